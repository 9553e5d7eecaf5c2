// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"syscall"
)

// Lay writes the files as a root on disk into dir, which is made, or is there
// and empty. A disk cannot say all that a recording does: a file whose read fails
// or was not recorded becomes an empty file that only root can read, a directory
// whose listing fails an empty one of that kind, a bare name nothing. Failures
// lists them.
func (f *Files) Lay(dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("lay root: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("lay root: %w", err)
	}
	defer root.Close()
	names, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return fmt.Errorf("lay root: %w", err)
	}
	if len(names) > 0 {
		return fmt.Errorf("lay root %q: found %q there, want an empty directory", dir, names[0].Name())
	}
	// Parents sort before what they hold.
	for _, name := range slices.Sorted(maps.Keys(f.entries)) {
		if err := f.entries[name].lay(root, name); err != nil {
			return fmt.Errorf("lay root: %w", err)
		}
	}
	return nil
}

func (e *entry) lay(root *os.Root, name string) error {
	switch {
	case name == "." || e.kind == kindNamed || e.kind == kindBroken:
		return nil
	case e.kind == kindLink:
		return root.Symlink(e.text, name)
	case e.kind == kindDir:
		return root.Mkdir(name, 0o755)
	case e.errno != 0 || e.unread:
		return root.WriteFile(name, nil, 0)
	}
	return root.WriteFile(name, []byte(e.text), 0o644)
}

// Failures lists what Lay cannot express, sorted: paths whose read, listing or
// look-up fails, or whose content is not known.
func (f *Files) Failures() []string {
	var names []string
	for name, e := range f.entries {
		absent := e.kind == kindBroken && e.errno == syscall.ENOENT
		if !absent && (e.errno != 0 || e.unread || e.kind == kindNamed) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
