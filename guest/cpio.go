// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"fmt"
	"io"
	"path"
	"slices"
)

// archive is an initramfs: the kernel's "newc" form of cpio
// (Documentation/driver-api/early-userspace/buffer-format.rst).
type archive struct {
	files map[string]archiveFile
}

type archiveFile struct {
	mode uint32 // with the file type bits of stat(2)
	data []byte
}

const (
	typeDir  = 0o040000
	typeFile = 0o100000
)

func newArchive() *archive { return &archive{files: map[string]archiveFile{}} }

// add adds a file and the folders above it.
func (a *archive) add(name string, perm uint32, data []byte) {
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		a.files[dir] = archiveFile{mode: typeDir | 0o755}
	}
	a.files[name] = archiveFile{mode: typeFile | perm, data: data}
}

// dir adds an empty folder.
func (a *archive) dir(name string) { a.files[name] = archiveFile{mode: typeDir | 0o755} }

// writeTo writes the archive; the same files give the same bytes.
func (a *archive) writeTo(w io.Writer) error {
	names := make([]string, 0, len(a.files))
	for name := range a.files {
		names = append(names, name)
	}
	slices.Sort(names) // a folder sorts before what is in it
	for i, name := range names {
		if err := writeEntry(w, i+1, name, a.files[name]); err != nil {
			return err
		}
	}
	return writeEntry(w, 0, "TRAILER!!!", archiveFile{})
}

func writeEntry(w io.Writer, inode int, name string, f archiveFile) error {
	header := "070701"
	for _, field := range []int{inode, int(f.mode), 0, 0, 1, 0, len(f.data), 0, 0, 0, 0, len(name) + 1, 0} {
		header += fmt.Sprintf("%08X", field)
	}
	for _, part := range [][]byte{[]byte(header + name + "\x00"), f.data} {
		if _, err := w.Write(part); err != nil {
			return err
		}
		if pad := -len(part) & 3; pad > 0 {
			if _, err := w.Write(make([]byte, pad)); err != nil {
				return err
			}
		}
	}
	return nil
}
