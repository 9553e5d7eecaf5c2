// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"path"
	"slices"
	"syscall"
)

// Machine reads the files as a machine, by the same rules as a root on disk.
func (f *Files) Machine() *Machine { return &Machine{tree: filesTree{f}} }

// filesTree answers from memory.
type filesTree struct{ *Files }

func (t filesTree) find(name string) (*entry, error) {
	e, ok := t.entries[name]
	switch {
	case ok && e.kind == kindNamed:
		return nil, ErrNotRecorded
	case ok && e.kind == kindBroken:
		return nil, e.errno
	case ok:
		return e, nil
	}
	switch parent := t.entries[path.Dir(name)]; {
	case parent == nil || parent.kind == kindDir && !parent.partial:
		return nil, syscall.ENOENT
	case parent.kind == kindDir, parent.kind == kindNamed:
		return nil, ErrNotRecorded
	case parent.kind == kindBroken:
		return nil, parent.errno
	}
	return nil, syscall.ENOTDIR
}

func (t filesTree) kind(name string) (kind, error) {
	e, err := t.find(name)
	if err != nil {
		return 0, err
	}
	return e.kind, nil
}

func (t filesTree) read(name string) ([]byte, error) {
	e, err := t.find(name)
	switch {
	case err != nil:
		return nil, err
	case e.kind == kindDir && e.errno != 0: // it cannot be opened at all
		return nil, e.errno
	case e.kind == kindDir:
		return nil, syscall.EISDIR
	case e.kind == kindLink:
		return nil, syscall.ELOOP
	case e.errno != 0:
		return nil, e.errno
	case e.unread:
		return nil, ErrNotRecorded
	}
	return []byte(e.text), nil
}

// direct answers for a name as it is stored, which holds no link.
func (t filesTree) direct(name string) ([]byte, error) {
	if e, ok := t.entries[name]; ok && e.kind == kindFile {
		return t.read(name)
	}
	return nil, errTryHarder
}

func (t filesTree) readlink(name string) (string, error) {
	e, err := t.find(name)
	switch {
	case err != nil:
		return "", err
	case e.kind != kindLink:
		return "", syscall.EINVAL
	}
	return e.text, nil
}

func (t filesTree) readdir(name string) ([]string, error) {
	e, err := t.find(name)
	switch {
	case err != nil:
		return nil, err
	case e.kind != kindDir:
		return nil, syscall.ENOTDIR
	case e.errno != 0:
		return nil, e.errno
	case e.partial:
		return nil, ErrNotRecorded
	}
	return slices.DeleteFunc(slices.Clone(e.below), func(base string) bool {
		child := t.entries[path.Join(name, base)]
		return child.kind == kindBroken && child.errno == syscall.ENOENT
	}), nil
}

func (t filesTree) close() error { return nil }
