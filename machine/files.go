// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"syscall"
	"unicode/utf8"
)

// MaxEntries bounds the entries of one Files, directories that are only
// implied included. A host with eight GPUs and 400 CPUs has some 20,000.
const MaxEntries = 200_000

// Bounds of one path: the kernel's PATH_MAX, and twice the parts of the deepest
// that captures show.
const (
	maxName  = 4096
	maxParts = 64
)

// ErrNotRecorded is the answer of a recording about a path that nobody asked
// for when it was made: whether it was there is unknown, so it is no
// fs.ErrNotExist.
var ErrNotRecorded = errors.New("not in the recording")

// Files is a root in memory: what a recording holds and what a generator
// renders. Names are clean paths without leading slash ("proc/cpuinfo"), in
// UTF-8, at most 4096 bytes and 64 parts; parents are made. Nothing is added through a link,
// so each name has one spelling. It must not change once Machine is in use.
type Files struct {
	entries map[string]*entry
}

// What an entry is, beside the kinds that a tree answers.
const (
	kindNamed  kind = kindLink + 1 + iota // its directory lists it; what it is was not recorded
	kindBroken                            // looking it up fails with errno
)

// entry is a path of a Files. Those of kindBroken with ENOENT are not listed by
// their directory: somebody looked, and nothing was there.
type entry struct {
	kind    kind
	text    string        // content of a file, target of a link
	errno   syscall.Errno // of a read, a listing or a look-up; 0 when it succeeds
	unread  bool          // a file whose content was not recorded
	partial bool          // a directory that was passed through but not listed
	implied bool          // a directory that only the names below it speak of
	below   []string      // names of all entries in a directory, in the order they came
}

// NewFiles returns a root that holds nothing.
func NewFiles() *Files {
	return &Files{entries: map[string]*entry{".": {kind: kindDir, implied: true}}}
}

// AddFile adds a file of at most MaxFile bytes. A name that is there already is
// an error unless it is a file of the same content.
func (f *Files) AddFile(name string, data []byte) error {
	if len(data) > MaxFile {
		return fmt.Errorf("add file %q: found %d bytes, want at most %d", clip(name), len(data), MaxFile)
	}
	return f.addSame("add file", name, entry{kind: kindFile, text: string(data)})
}

// AddDir adds a directory; one that is there already is left as it is.
func (f *Files) AddDir(name string) error {
	return f.addSame("add directory", name, entry{kind: kindDir})
}

// AddLink adds a symbolic link with the target as it is written: relative to the
// link's directory, or absolute and then relative to this root. It may lead
// nowhere. A name that is there already is an error unless it is the same link.
func (f *Files) AddLink(name, target string) error {
	return f.addSame("add link", name, entry{kind: kindLink, text: target})
}

// AddError adds a file that is there and whose read fails with err, as a PCI
// device's current_link_speed does with EINVAL when its link is down.
func (f *Files) AddError(name string, err syscall.Errno) error {
	if err <= 0 || err > maxErrno {
		return fmt.Errorf("add failing file %q: found error number %d, want 1 to %d", clip(name), int(err), maxErrno)
	}
	return f.addSame("add failing file", name, entry{kind: kindFile, errno: err})
}

func (f *Files) addSame(act, name string, e entry) error {
	old, ok := f.entries[name]
	if ok && old.kind == e.kind && old.text == e.text && old.errno == e.errno && !old.unread {
		return nil
	}
	if err := f.put(name, e); err != nil {
		return fmt.Errorf("%s %q: %w", act, clip(name), err)
	}
	return nil
}

// put adds an entry under a name that holds none, or only one that says less:
// an implied directory becomes a directory, and what was merely named or looked
// for in vain becomes anything.
func (f *Files) put(name string, e entry) error {
	if err := checkName(name); err != nil {
		return err
	}
	if e.kind == kindLink {
		if err := checkTarget(e.text); err != nil {
			return err
		}
	}
	if e.kind == kindDir && e.errno == syscall.ENOENT {
		return errors.New("found a listing that fails with ENOENT, want no directory then")
	}
	old, ok := f.entries[name]
	switch {
	case !ok:
		if err := f.makeParents(name); err != nil {
			return err
		}
		return f.insert(name, &e)
	case old.kind == kindDir && old.implied && e.kind == kindDir:
		e.below = old.below
	case old.kind == kindNamed || old.kind == kindBroken:
	default:
		return fmt.Errorf("found %s there already", old)
	}
	*old = e
	return nil
}

func (f *Files) makeParents(name string) error {
	dir := path.Dir(name)
	parent, ok := f.entries[dir]
	if !ok {
		if err := f.makeParents(dir); err != nil {
			return err
		}
		return f.insert(dir, &entry{kind: kindDir, implied: true})
	}
	switch parent.kind {
	case kindDir:
	case kindNamed, kindBroken:
		*parent = entry{kind: kindDir, implied: true}
	default:
		return fmt.Errorf("found %s at %q, want a directory", parent, clip(dir))
	}
	return nil
}

func (f *Files) insert(name string, e *entry) error {
	if len(f.entries) >= MaxEntries {
		return fmt.Errorf("found more than %d entries", MaxEntries)
	}
	f.entries[name] = e
	dir := f.entries[path.Dir(name)]
	dir.below = append(dir.below, path.Base(name))
	return nil
}

// String names what the entry is, for errors.
func (e *entry) String() string {
	switch e.kind {
	case kindFile:
		return "a file"
	case kindDir:
		return "a directory"
	case kindLink:
		return "a link"
	case kindNamed:
		return "a bare name"
	}
	return "a broken name"
}

// checkName wants the one spelling of a path below the root.
func checkName(name string) error {
	clean, err := cleanPath("add", name)
	switch {
	case err != nil:
		return errors.New("want a path below the root, without leading slash")
	case clean != name:
		return fmt.Errorf("want the clean path %q", clip(clean))
	case len(name) > maxName:
		return fmt.Errorf("found a name of %d bytes, want at most %d", len(name), maxName)
	case strings.Count(name, "/") >= maxParts:
		return fmt.Errorf("found a path of more than %d parts", maxParts)
	case !isText(name):
		return errors.New("want a name in UTF-8")
	}
	return nil
}

func checkTarget(target string) error {
	switch {
	case target == "" || strings.ContainsRune(target, 0):
		return errors.New("found an empty target or one with a NUL, want a path")
	case len(target) > maxName:
		return fmt.Errorf("found a target of %d bytes, want at most %d", len(target), maxName)
	case !isText(target):
		return errors.New("want a target in UTF-8")
	}
	return nil
}

// isText tells whether s comes back from JSON as it went in: U+FFFD is what a
// decoder makes of bytes that it does not understand.
func isText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsRune(s, utf8.RuneError)
}

func clip(text string) string {
	if len(text) > 120 {
		return text[:120] + "..."
	}
	return text
}
