// SPDX-License-Identifier: Apache-2.0

// Package machine opens one machine's facts: the live one, a directory that
// holds another's /sys and /proc, or a recording. All three are read by the
// same calls, through the same rules for links, so that no reader knows which
// it reads. It leaves out what the facts mean.
//
// Paths are relative to the machine's root and have no leading slash:
// "sys/bus/pci/devices". Errors are *fs.PathError with such a path; test them
// with errors.Is and fs.ErrNotExist, fs.ErrPermission or a syscall.Errno such
// as EINVAL, which a recording keeps.
//
// A recording (Record, Snapshot) keeps five rules. Same information: what readers
// were told live they are told by the recording, errors and absences included; a
// path that nobody asked for is ErrNotRecorded, never absent. No special path:
// Machine reads it as it reads a disk. Data only: facts as the kernel wrote them,
// no conclusion and no code. Nothing personal: what names one person's machine is
// withheld, live and recorded alike. Bounded: every length and number has a
// limit, and what exceeds one is an error, not a piece.
package machine

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"syscall"
)

// AnswersDir holds what device libraries and system calls answered, one
// document each, written by the children that asked.
const AnswersDir = "run/tarsia/answers"

// MaxFile bounds one file of a machine. The largest that the readers want is
// /proc/cpuinfo of a few thousand CPUs.
const MaxFile = 8 << 20

// maxLinks bounds the links followed for one path, as the kernel does.
const maxLinks = 40

// Machine is one machine's facts. It is safe for concurrent use.
type Machine struct{ tree tree }

// kind of an entry in a tree.
type kind int

const (
	kindFile kind = iota
	kindDir
	kindLink
)

// tree is where facts lie. Its paths are clean and have no link in any part
// but the last; it follows none.
type tree interface {
	kind(name string) (kind, error)
	read(name string) ([]byte, error)
	readlink(name string) (string, error)
	readdir(name string) ([]string, error) // any order
	// direct may read a path that holds links, when it can prove that none of
	// them leaves the root; it answers errTryHarder where it cannot.
	direct(name string) ([]byte, error)
	close() error
}

var errTryHarder = errors.New("resolve the path first")

// ReadFile returns the whole file, at most MaxFile bytes; a longer one is
// EFBIG. What names a person or one piece of hardware is left out of every
// machine alike: proc/cmdline keeps only the parameters that bear on hardware,
// and files such as a network address are ErrWithheld. The name decides, or the
// path that it leads to; no recording holds such content under any name.
func (m *Machine) ReadFile(name string) ([]byte, error) {
	clean, err := cleanPath("read", name)
	if err != nil {
		return nil, err
	}
	if withheld(clean) {
		return nil, pathError("read", name, ErrWithheld)
	}
	data, err := m.tree.direct(clean)
	if !errors.Is(err, errTryHarder) {
		return redact(clean, data), pathError("read", name, err)
	}
	real, err := m.resolve(clean, true)
	if err != nil {
		return nil, pathError("read", name, err)
	}
	if withheld(real) {
		return nil, pathError("read", name, ErrWithheld)
	}
	data, err = m.tree.read(real)
	return redact(real, data), pathError("read", name, err)
}

// ReadString returns the file without white space at its ends and without the
// NUL bytes that device trees and padded files carry.
func (m *Machine) ReadString(name string) (string, error) {
	data, err := m.ReadFile(name)
	if err != nil {
		return "", err
	}
	return strings.Trim(string(data), " \t\r\n\x00"), nil
}

// ReadDir returns the names in a directory, sorted.
func (m *Machine) ReadDir(name string) ([]string, error) {
	clean, err := cleanPath("readdir", name)
	if err != nil {
		return nil, err
	}
	real, err := m.resolve(clean, true)
	if err != nil {
		return nil, pathError("readdir", name, err)
	}
	names, err := m.tree.readdir(real)
	if err != nil {
		return nil, pathError("readdir", name, err)
	}
	slices.Sort(names)
	return names, nil
}

// ReadLink returns the target of a link as it is written.
func (m *Machine) ReadLink(name string) (string, error) {
	clean, err := cleanPath("readlink", name)
	if err != nil {
		return "", err
	}
	real, err := m.resolve(clean, false)
	if err != nil {
		return "", pathError("readlink", name, err)
	}
	target, err := m.tree.readlink(real)
	return target, pathError("readlink", name, err)
}

// RealPath follows every link in name and returns the path that is left.
func (m *Machine) RealPath(name string) (string, error) {
	clean, err := cleanPath("realpath", name)
	if err != nil {
		return "", err
	}
	real, err := m.resolve(clean, true)
	return real, pathError("realpath", name, err)
}

// Exists tells whether name leads to something that can be looked up. Where it
// matters why it does not, RealPath has the error.
func (m *Machine) Exists(name string) bool {
	_, err := m.RealPath(name)
	return err == nil
}

// Close releases the root.
func (m *Machine) Close() error { return m.tree.close() }

// resolve follows links part by part. An absolute target begins at the root of
// the machine, and ".." stops there, so that no link of a capture leads out.
func (m *Machine) resolve(name string, last bool) (string, error) {
	done, rest := ".", name
	for links := 0; rest != ""; {
		part, after, more := strings.Cut(rest, "/")
		rest = after
		switch part {
		case "", ".":
			continue
		case "..":
			done = path.Dir(done)
			continue
		}
		next := part
		if done != "." {
			next = done + "/" + part
		}
		if !more && !last {
			return next, nil
		}
		k, err := m.tree.kind(next)
		if err != nil {
			return "", err
		}
		if k == kindFile && rest != "" {
			return "", syscall.ENOTDIR // also before "..", as the kernel has it
		}
		if k != kindLink {
			done = next
			continue
		}
		if links++; links > maxLinks {
			return "", syscall.ELOOP
		}
		target, err := m.tree.readlink(next)
		if err != nil {
			return "", err
		}
		if strings.HasPrefix(target, "/") {
			done = "."
		}
		rest = target + "/" + rest
	}
	return done, nil
}

// cleanPath refuses what is no path below the root.
func cleanPath(op, name string) (string, error) {
	if name == "" || name[0] == '/' || strings.ContainsRune(name, 0) {
		return "", &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	clean := path.Clean(name)
	if clean == ".." || strings.HasPrefix(clean, "../") {
		return "", &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	return clean, nil
}

func pathError(op, name string, err error) error {
	if err == nil {
		return nil
	}
	var inner *fs.PathError
	if errors.As(err, &inner) {
		err = inner.Err
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}
