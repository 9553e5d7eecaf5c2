// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"
	"syscall"
)

// Record runs read over m and keeps all that it asked for: contents, links,
// listings, errors, and what was not there. Then it does the same for every path
// that a glob matches (path.Match, part by part): a file is read, a directory is
// listed. The host's machine gives read the same answers as m did; a path that
// nobody asked for is ErrNotRecorded there.
//
// An error of read ends the recording, as does a name that is not UTF-8, an error
// that is no errno, or more than MaxEntries. Taken is left to the caller, who has
// a clock.
func Record(name string, m *Machine, read func(*Machine) error, globs []string) (Host, error) {
	r := &recorder{inner: m.tree, files: NewFiles()}
	r.files.entries["."].partial = true
	recorded := &Machine{tree: r}
	if err := read(recorded); err != nil {
		return Host{}, fmt.Errorf("record %q: %w", name, err)
	}
	for _, glob := range globs {
		if err := take(recorded, glob); err != nil {
			return Host{}, fmt.Errorf("record %q: %w", name, err)
		}
	}
	if r.err != nil {
		return Host{}, fmt.Errorf("record %q: %w", name, r.err)
	}
	return Host{Name: name, Files: r.files}, nil
}

// take asks for every path that a glob matches. What it cannot read is kept as
// that, so it is no error here.
func take(m *Machine, glob string) error {
	if _, err := path.Match(glob, ""); err != nil {
		return fmt.Errorf("glob %q: %w", glob, err)
	}
	found := []string{"."}
	for part := range strings.SplitSeq(glob, "/") {
		var next []string
		for _, dir := range found {
			if !strings.ContainsAny(part, `*?[\`) {
				next = append(next, path.Join(dir, part))
				continue
			}
			names, err := m.ReadDir(dir)
			if err != nil {
				continue
			}
			for _, name := range names {
				if ok, _ := path.Match(part, name); ok {
					next = append(next, path.Join(dir, name))
				}
			}
		}
		found = next
	}
	for _, name := range found {
		if _, err := m.ReadFile(name); errors.Is(err, syscall.EISDIR) {
			// A listing that fails is kept like any other.
			_, _ = m.ReadDir(name)
		}
	}
	return nil
}

// recorder is a tree that keeps what is asked of another. Machine resolves links
// above it, so all its paths are real.
type recorder struct {
	inner tree
	mu    sync.Mutex
	files *Files
	err   error // the first that the format cannot keep
}

func (r *recorder) kind(name string) (kind, error) {
	k, err := r.inner.kind(name)
	switch {
	case err != nil:
		r.keepFailure(name, err, entry{kind: kindBroken})
	case k == kindDir:
		r.keep(name, entry{kind: kindDir, partial: true})
	case k == kindFile:
		r.keep(name, entry{kind: kindFile, unread: true})
	}
	// A link is kept when it is read, which resolving it does next.
	return k, err
}

func (r *recorder) read(name string) ([]byte, error) {
	data, err := r.inner.read(name)
	switch {
	case err == nil:
		r.keep(name, entry{kind: kindFile, text: string(redact(name, data))})
	case !errors.Is(err, syscall.EISDIR):
		r.keepFailure(name, err, entry{kind: kindFile})
	}
	return data, err
}

// direct makes Machine resolve the path, so that the links on it are kept.
func (r *recorder) direct(string) ([]byte, error) { return nil, errTryHarder }

func (r *recorder) readlink(name string) (string, error) {
	target, err := r.inner.readlink(name)
	switch {
	case err == nil:
		r.keep(name, entry{kind: kindLink, text: target})
	case errors.Is(err, syscall.EINVAL):
		// It is no link; what it is says kind.
		_, _ = r.kind(name)
	default:
		r.keepFailure(name, err, entry{kind: kindBroken})
	}
	return target, err
}

func (r *recorder) readdir(name string) ([]string, error) {
	names, err := r.inner.readdir(name)
	switch {
	case err == nil:
		r.keep(name, entry{kind: kindDir})
		for _, base := range names {
			r.keep(path.Join(name, base), entry{kind: kindNamed})
		}
	case !errors.Is(err, syscall.ENOTDIR):
		r.keepFailure(name, err, entry{kind: kindDir, partial: true})
	}
	return names, err
}

func (r *recorder) close() error { return nil }

// keepFailure keeps what failed with the errno in err.
func (r *recorder) keepFailure(name string, err error, e entry) {
	errno, isErrno := errors.AsType[syscall.Errno](err)
	switch {
	case errors.Is(err, ErrNotRecorded), errno == syscall.ENOTDIR:
		// Absence from the recording, or the file on the way, say the same.
		return
	case !isErrno && errors.Is(err, fs.ErrNotExist):
		errno = syscall.ENOENT
	case !isErrno:
		r.fail(fmt.Errorf("keep the failure of %q: found no errno: %w", clip(name), err))
		return
	}
	e.errno = errno
	r.keep(name, e)
}

func (r *recorder) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err = errors.Join(r.err, err)
}

// keep adds what was learned of a path. The first content, target or error
// stays: a machine that changes while it is recorded has no one truth.
func (r *recorder) keep(name string, e entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return
	}
	if old, ok := r.files.entries[name]; ok && !old.learns(e) {
		return
	}
	if err := r.files.put(name, e); err != nil {
		r.err = fmt.Errorf("keep %q: %w", clip(name), err)
	}
}

// learns takes over what n says beyond an entry of its own kind, and tells
// whether n should replace the entry altogether.
func (e *entry) learns(n entry) bool {
	switch {
	case n.kind == kindNamed:
		return false
	case e.kind == kindNamed:
		return true
	case e.kind == kindBroken:
		return n.kind != kindBroken
	case e.kind == kindDir && (n.kind == kindDir || n.errno != 0):
		// Reading a directory fails as its listing does when it cannot be opened.
		if e.partial && e.errno == 0 {
			e.partial, e.errno, e.implied = n.partial || n.errno != 0, n.errno, false
		}
	case e.kind == kindFile && n.kind == kindFile:
		if e.unread {
			e.text, e.errno, e.unread = n.text, n.errno, n.unread
		}
	}
	return false
}
