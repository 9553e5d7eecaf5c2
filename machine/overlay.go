// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"syscall"
)

// Overlay returns m with one file more, or with another content of a file that it
// has: what a child process answered joins the machine that it was asked about,
// and a recording of the two keeps both. Folders on the way are made where m has
// none, and links among them are followed. m is not changed, and closes with the
// result. The file is at most MaxFile bytes.
func Overlay(m *Machine, name string, data []byte) (*Machine, error) {
	if len(data) > MaxFile {
		return nil, fmt.Errorf("overlay %q: found %d bytes, want at most %d", clip(name), len(data), MaxFile)
	}
	if err := checkName(name); err != nil {
		return nil, fmt.Errorf("overlay %q: %w", clip(name), err)
	}
	// As far as there are folders, the file lies where they really are.
	dir, rest := path.Dir(name), path.Base(name)
	for dir != "." {
		real, err := m.resolve(dir, true)
		if err == nil {
			dir = real
			break
		}
		dir, rest = path.Dir(dir), path.Base(dir)+"/"+rest
	}
	o := &overlay{inner: m.tree, asked: name, name: path.Join(dir, rest), data: data}
	if k, err := m.tree.kind(dir); dir != "." && (err != nil || k != kindDir) {
		return nil, fmt.Errorf("overlay %q: found no folder at %q", clip(name), clip(dir))
	}
	return &Machine{tree: o}, nil
}

// overlay is a tree with one file more.
type overlay struct {
	inner       tree
	asked, name string // as it was given, and where links lead it
	data        []byte
}

// step returns the name that dir holds on the way to the file.
func (o *overlay) step(dir string) (string, bool) {
	rest := o.name
	if dir != "." {
		var ok bool
		if rest, ok = strings.CutPrefix(o.name, dir+"/"); !ok {
			return "", false
		}
	}
	first, _, _ := strings.Cut(rest, "/")
	return first, true
}

func (o *overlay) kind(name string) (kind, error) {
	if name == o.name {
		return kindFile, nil
	}
	k, err := o.inner.kind(name)
	if _, onWay := o.step(name); onWay {
		return kindDir, nil
	}
	return k, err
}

func (o *overlay) read(name string) ([]byte, error) {
	if name == o.name {
		return slices.Clone(o.data), nil
	}
	data, err := o.inner.read(name)
	if _, onWay := o.step(name); onWay && err != nil {
		return nil, syscall.EISDIR
	}
	return data, err
}

func (o *overlay) readlink(name string) (string, error) {
	if _, onWay := o.step(name); onWay || name == o.name {
		return "", syscall.EINVAL
	}
	return o.inner.readlink(name)
}

func (o *overlay) readdir(name string) ([]string, error) {
	if name == o.name {
		return nil, syscall.ENOTDIR
	}
	names, err := o.inner.readdir(name)
	next, onWay := o.step(name)
	switch {
	case !onWay:
		return names, err
	case err != nil && !errors.Is(err, syscall.ENOENT):
		return nil, err
	case !slices.Contains(names, next):
		names = append(slices.Clip(names), next)
	}
	return names, nil
}

func (o *overlay) direct(name string) ([]byte, error) {
	if name == o.name || name == o.asked {
		return nil, errTryHarder
	}
	return o.inner.direct(name)
}

func (o *overlay) close() error { return o.inner.close() }
