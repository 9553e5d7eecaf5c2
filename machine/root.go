// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// Open opens the machine whose root is dir: "/" for the live one.
func Open(dir string) (*Machine, error) {
	// os.OpenRoot opens before it looks, and waits for a writer at a fifo.
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return nil, fmt.Errorf("open root %s: %w", dir, syscall.ENOTDIR)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		var at *fs.PathError
		if errors.As(err, &at) {
			err = at.Err // the message names the folder once
		}
		return nil, fmt.Errorf("open root %s: %w", dir, err)
	}
	if t := newInRoot(root); t != nil {
		return &Machine{tree: t}, nil
	}
	return &Machine{tree: rootTree{root}}, nil
}

// rootTree reads a directory through os.Root, which never leaves it.
type rootTree struct{ root *os.Root }

func (t rootTree) kind(name string) (kind, error) {
	info, err := t.root.Lstat(name)
	switch {
	case err != nil:
		return 0, err
	case info.Mode()&fs.ModeSymlink != 0:
		return kindLink, nil
	case info.IsDir():
		return kindDir, nil
	}
	return kindFile, nil
}

func (t rootTree) read(name string) ([]byte, error) {
	// O_NONBLOCK keeps a fifo in a capture from stopping the reader.
	f, err := t.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(int(f.Fd()))
}

func (t rootTree) direct(name string) ([]byte, error) {
	data, err := t.read(name)
	var errno syscall.Errno
	if err == nil || errors.As(err, &errno) && errno != syscall.ELOOP && errno != syscall.EXDEV {
		return data, err
	}
	// os.Root refuses an absolute link with an error of its own, which is no
	// errno: such a path is walked part by part instead.
	return nil, errTryHarder
}

func (t rootTree) readlink(name string) (string, error) { return t.root.Readlink(name) }

func (t rootTree) readdir(name string) ([]string, error) {
	// O_DIRECTORY keeps a device or a fifo from being opened at all.
	f, err := t.root.OpenFile(name, os.O_RDONLY|syscall.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Readdirnames(-1)
}

func (t rootTree) close() error { return t.root.Close() }

// readAll reads with plain read calls: the size that stat gives for /proc and
// /sys is wrong, and on a driver that answers EAGAIN the runtime's poller would
// wait for ever.
func readAll(fd int) ([]byte, error) {
	buf := make([]byte, 0, 4096)
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, make([]byte, len(buf))...)[:len(buf)]
		}
		n, err := syscall.Read(fd, buf[len(buf):cap(buf)])
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if n == 0 {
			return buf, nil
		}
		if buf = buf[:len(buf)+n]; len(buf) > MaxFile {
			return nil, syscall.EFBIG
		}
	}
}
