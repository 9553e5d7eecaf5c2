// SPDX-License-Identifier: Apache-2.0

package discover_test

import (
	"archive/tar"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/ulikunitz/xz"

	"tarsia.dev/tarsia/machine"
)

// shared returns the folder of third-party captures, or skips the test.
func shared(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("TARSIA_SHARED")
	if dir == "" {
		t.Skip("TARSIA_SHARED is not set: the hardware captures are third-party data and not in this repository")
	}
	return filepath.Join(dir, "hardware")
}

// unpack reads an archive of a machine's root into memory. A single top
// directory is taken off unless it is part of a root itself.
func unpack(t testing.TB, file string) *machine.Files {
	t.Helper()
	entries, err := readArchive(file)
	if err != nil {
		t.Fatal(err)
	}
	files := machine.NewFiles()
	for _, e := range strip(entries) {
		var err error
		switch {
		case e.link != "":
			err = files.AddLink(e.name, e.link)
		case e.dir:
			err = files.AddDir(e.name)
		default:
			err = files.AddFile(e.name, e.data)
		}
		if err != nil {
			t.Fatalf("%s: %v", filepath.Base(file), err)
		}
	}
	return files
}

type archived struct {
	name string
	data []byte
	link string
	dir  bool
}

func strip(entries []archived) []archived {
	top := ""
	for _, e := range entries {
		first, _, _ := strings.Cut(e.name, "/")
		switch {
		case first == "proc" || first == "sys" || first == "dev" || top != "" && first != top:
			return entries
		default:
			top = first
		}
	}
	var out []archived
	for _, e := range entries {
		if _, rest, ok := strings.Cut(e.name, "/"); ok {
			e.name = rest
			out = append(out, e)
		}
	}
	return out
}

func readArchive(file string) ([]archived, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var r io.Reader = bytes.NewReader(raw)
	switch path.Ext(file) {
	case ".ttar":
		return readText(raw)
	case ".gz":
		r, err = gzip.NewReader(r)
	case ".bz2":
		r = bzip2.NewReader(r)
	case ".xz":
		r, err = xz.NewReader(r)
	default:
		err = fmt.Errorf("%s: no known archive", file)
	}
	if err != nil {
		return nil, err
	}
	var entries []archived
	for in := tar.NewReader(r); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return entries, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		e := archived{name: path.Clean(h.Name)}
		switch h.Typeflag {
		case tar.TypeReg:
			if e.data, err = io.ReadAll(in); err != nil {
				return nil, fmt.Errorf("%s: %s: %w", file, h.Name, err)
			}
		case tar.TypeSymlink:
			e.link = h.Linkname
		case tar.TypeDir:
			e.dir = true
		default:
			continue
		}
		if e.name != "." {
			entries = append(entries, e)
		}
	}
}

// readText reads the ttar format of Prometheus: records of header lines, then
// as many lines as "Lines" says.
func readText(raw []byte) ([]archived, error) {
	var entries []archived
	lines := strings.Split(string(raw), "\n")
	for i := 0; i < len(lines); i++ {
		key, value, ok := strings.Cut(lines[i], ": ")
		if !ok || strings.HasPrefix(lines[i], "#") {
			continue
		}
		switch key {
		case "Directory":
			entries = append(entries, archived{name: value, dir: true})
		case "Path":
			entries = append(entries, archived{name: value})
		case "SymlinkTo":
			entries[len(entries)-1].link = value
		case "Lines":
			n, err := strconv.Atoi(value)
			if err != nil || i+n >= len(lines) {
				return nil, fmt.Errorf("line %d: bad count %q", i+1, value)
			}
			text := strings.Join(lines[i+1:i+1+n], "\n")
			text = strings.ReplaceAll(strings.ReplaceAll(text, "NULLBYTE", "\x00"), "EOF\n", "\n")
			if text != "" && !strings.HasSuffix(text, "EOF") {
				text += "\n"
			}
			entries[len(entries)-1].data = []byte(strings.TrimSuffix(text, "EOF"))
			i += n
		}
	}
	return entries, nil
}
