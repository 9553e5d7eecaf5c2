// SPDX-License-Identifier: Apache-2.0

// Package vendorlib calls the libraries of device vendors by dlopen, without cgo,
// and puts what they say into the words of the facts packages. A driver's library
// may hang or crash and takes its process along, so only the command tarsia-device
// links this package; everyone else asks that command (package ask).
//
// A Library, and what reads through one, belongs to one OS thread at a time.
package vendorlib

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ebitengine/purego"
)

// ErrNoSymbol is the answer of Call where the library has none of the symbols.
var ErrNoSymbol = errors.New("no such symbol")

// Library is one shared object, loaded. It stays loaded until the process ends:
// drivers' libraries leave threads behind that a dlclose would cut off.
type Library struct {
	path    string
	handle  uintptr
	symbols map[string]uintptr // 0 where it was looked for in vain
}

// Open loads the first of the paths that is there. A path that is not absolute is
// refused before anything is loaded, so that no folder that happens to be current
// and no search path decides whose code runs. The error is fs.ErrNotExist where
// none is there, and the loader's where the first that is there does not load.
func Open(paths ...string) (*Library, error) {
	for _, path := range paths {
		if !filepath.IsAbs(path) {
			return nil, fmt.Errorf("open library %q: want an absolute path", path)
		}
	}
	for _, path := range paths {
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil && !info.Mode().IsRegular() {
			err = errors.New("found no regular file")
		}
		if err != nil {
			return nil, fmt.Errorf("open library %q: %w", path, err)
		}
		handle, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
		if err != nil {
			return nil, fmt.Errorf("open library %q: %w", path, err)
		}
		return &Library{path: path, handle: handle, symbols: map[string]uintptr{}}, nil
	}
	return nil, fmt.Errorf("open library: none of %d paths is there: %w", len(paths), fs.ErrNotExist)
}

// Path is where the library was loaded from.
func (l *Library) Path() string { return l.path }

// Call calls the first of the symbols that the library has, which stand newest
// first, and returns what it returned as a C int. Pointers are passed as
// uintptr(unsafe.Pointer(&v)), written in the call itself. A struct of one pointer
// that C passes by value is that pointer: all three architectures pass both in the
// same register.
//
//go:uintptrescapes
func (l *Library) Call(symbols []string, args ...uintptr) (int, error) {
	for _, name := range symbols {
		if f := l.lookup(name); f != 0 {
			r, _, _ := purego.SyscallN(f, args...)
			return int(int32(r)), nil
		}
	}
	return 0, ErrNoSymbol
}

func (l *Library) lookup(name string) uintptr {
	f, known := l.symbols[name]
	if !known {
		f, _ = purego.Dlsym(l.handle, name) // 0 with every error
		l.symbols[name] = f
	}
	return f
}
