// SPDX-License-Identifier: Apache-2.0

// Package atomicfile replaces a file whole: a reader sees the old content or the
// new one, also after a crash, and never a half-written file.
package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Write puts what write produces into the file name, with the permissions perm
// as given (no umask). It writes a hidden file beside it, syncs, renames and
// syncs the directory. On any failure, a full disk among them, the old file
// stays as it was and nothing is left beside it; the error wraps the cause.
//
// A link stays a link, and the file that it leads to is replaced; one that leads
// nowhere is replaced itself. What is no regular file, such as /dev/null or a
// pipe, is written straight.
func Write(name string, perm fs.FileMode, write func(io.Writer) error) error {
	target, err := filepath.EvalSymlinks(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		target = name
	case err != nil:
		return fmt.Errorf("write %q: %w", name, err)
	default:
		info, err := os.Stat(target)
		if err != nil {
			return fmt.Errorf("write %q: %w", name, err)
		}
		if !info.Mode().IsRegular() && !info.IsDir() {
			return through(target, write)
		}
	}
	return replace(target, perm, write)
}

func replace(name string, perm fs.FileMode, write func(io.Writer) error) error {
	dir := filepath.Dir(name)
	tmp, err := os.CreateTemp(dir, ".*."+filepath.Base(name))
	if err != nil {
		return fmt.Errorf("write %q: %w", name, err)
	}
	if err := fill(tmp, perm, write); err != nil {
		return fmt.Errorf("write %q: %w", name, errors.Join(err, remove(tmp.Name())))
	}
	if err := os.Rename(tmp.Name(), name); err != nil {
		return fmt.Errorf("write %q: %w", name, errors.Join(err, remove(tmp.Name())))
	}
	if err := syncDir(dir); err != nil {
		return fmt.Errorf("write %q: sync its directory: %w", name, err)
	}
	return nil
}

// through writes to a device or a pipe.
func through(name string, write func(io.Writer) error) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("write %q: %w", name, err)
	}
	if err := errors.Join(write(f), f.Close()); err != nil {
		return fmt.Errorf("write %q: %w", name, err)
	}
	return nil
}

// fill writes and closes the temp file.
func fill(tmp *os.File, perm fs.FileMode, write func(io.Writer) error) error {
	err := write(tmp)
	if err == nil {
		err = tmp.Chmod(perm)
	}
	if err == nil {
		err = tmp.Sync()
	}
	// Some file systems tell of a full disk only here.
	return errors.Join(err, tmp.Close())
}

func remove(name string) error {
	if err := os.Remove(name); err != nil {
		return fmt.Errorf("remove temp file: %w", err)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
