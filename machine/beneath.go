// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// inRoot reads a directory through openat2 (Linux 5.6), whose RESOLVE_IN_ROOT
// has the kernel follow links as Machine does: an absolute one begins at the
// directory, ".." stops there, and a link of /proc that is no path is refused.
// os.Root opens every part of a path instead, which on a host of many devices is
// most of the time that discovery takes. What openat2 leaves undecided is asked
// of os.Root.
type inRoot struct {
	rootTree
	dir  *os.File
	conn syscall.RawConn // of dir, held while its number is in use
}

// newInRoot returns nil where the kernel has no openat2, or where a sandbox
// refuses it, with whatever error.
func newInRoot(root *os.Root) *inRoot {
	dir, err := root.Open(".")
	if err != nil {
		return nil
	}
	conn, err := dir.SyscallConn()
	if err != nil {
		dir.Close()
		return nil
	}
	t := &inRoot{rootTree{root}, dir, conn}
	fd, err := t.open(".", unix.O_PATH)
	if err != nil {
		dir.Close()
		return nil
	}
	unix.Close(fd)
	return t
}

// open returns a descriptor that the caller closes.
func (t *inRoot) open(name string, flags uint64) (fd int, err error) {
	how := unix.OpenHow{Flags: flags | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT}
	closed := t.conn.Control(func(dir uintptr) {
		for {
			fd, err = unix.Openat2(int(dir), name, &how)
			if !errors.Is(err, unix.EINTR) {
				return
			}
		}
	})
	if closed != nil {
		return -1, closed
	}
	return fd, err
}

// undecided tells whether the kernel gave up for a reason that lies in how it
// was asked: EAGAIN when something on the path was renamed meanwhile.
func undecided(err error) bool { return errors.Is(err, unix.EAGAIN) }

func (t *inRoot) kind(name string) (kind, error) {
	fd, err := t.open(name, unix.O_PATH|unix.O_NOFOLLOW)
	switch {
	case undecided(err):
		return t.rootTree.kind(name)
	case err != nil:
		return 0, err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return 0, err
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFLNK:
		return kindLink, nil
	case unix.S_IFDIR:
		return kindDir, nil
	}
	return kindFile, nil
}

func (t *inRoot) read(name string) ([]byte, error) {
	fd, err := t.open(name, unix.O_RDONLY|unix.O_NONBLOCK)
	switch {
	case undecided(err):
		return t.rootTree.read(name)
	case err != nil:
		return nil, err
	}
	defer unix.Close(fd)
	return readAll(fd)
}

func (t *inRoot) direct(name string) ([]byte, error) {
	data, err := t.read(name)
	if errors.Is(err, unix.ELOOP) || errors.Is(err, unix.EXDEV) {
		// Where links are the matter, the walk part by part has the last word: a
		// recording is read by it.
		return nil, errTryHarder
	}
	return data, err
}

func (t *inRoot) readlink(name string) (string, error) {
	fd, err := t.open(name, unix.O_PATH|unix.O_NOFOLLOW)
	switch {
	case undecided(err):
		return t.rootTree.readlink(name)
	case err != nil:
		return "", err
	}
	defer unix.Close(fd)
	buf := make([]byte, maxName+1)
	n, err := unix.Readlinkat(fd, "", buf)
	switch {
	case errors.Is(err, unix.ENOENT):
		return "", unix.EINVAL // with an empty path, the kernel says so of what is no link
	case err != nil:
		return "", err
	case n > maxName:
		return "", unix.ENAMETOOLONG
	}
	return string(buf[:n]), nil
}

func (t *inRoot) readdir(name string) ([]string, error) {
	fd, err := t.open(name, unix.O_RDONLY|unix.O_DIRECTORY)
	switch {
	case undecided(err):
		return t.rootTree.readdir(name)
	case err != nil:
		return nil, err
	}
	f := os.NewFile(uintptr(fd), name)
	defer f.Close()
	return f.Readdirnames(-1)
}

func (t *inRoot) close() error { return errors.Join(t.dir.Close(), t.rootTree.close()) }
