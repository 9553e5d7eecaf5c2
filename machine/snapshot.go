// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"bufio"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// Version is the version of the snapshot format that this package reads and
// writes.
const Version = 1

// Bounds of a snapshot, beside MaxFile and MaxEntries.
const (
	MaxHosts      = 20_000
	maxAllEntries = 10_000_000
	maxSnapshot   = 2 << 30     // bytes, unpacked
	maxLine       = 3 * MaxFile // what is stored as text has few bytes that JSON escapes
	maxHostName   = 253         // of a DNS name
)

// Host is one machine of a snapshot.
type Host struct {
	Name  string
	Taken string // when it was recorded, RFC 3339; "" when not known
	Files *Files
}

// Snapshot is a host or a fleet in one file: raw facts, no conclusion. The
// format is JSON lines, plain or packed with gzip, one record a line:
//
//	{"tarsia":"snapshot","version":1}             the first line
//	{"site":"kind: Site\n..."}                    text of the site file, at most once, before the hosts
//	{"host":"gpu-01","taken":"2026-01-02T03:04:05Z"}   begins a host; taken may be left out
//	{"f":"proc/version","t":"Linux version ..."}  a file as text
//	{"f":"sys/.../config","b":"3hAA..."}          a file as base64, where it is no plain UTF-8
//	{"f":"sys/.../current_link_speed","e":"EINVAL"}   a file whose read fails
//	{"f":"sys/.../vpd"}                           a file that nobody read
//	{"l":"proc/device-tree","to":"/sys/firmware/devicetree/base"}   a link as it is written
//	{"d":"sys/class/drm"}                         a directory without entries
//	{"d":"sys/kernel/debug","e":"EACCES"}         a directory whose listing fails
//	{"w":"sys/devices"}                           a directory that was passed through but not listed
//	{"u":"sys/bus/pci/devices/0000:00:1f.0"}      a name in a listing that nobody followed
//	{"x":"sys/class/infiniband","e":"ENOENT"}     a look-up that fails: here, nothing was there
//	{"end":"snapshot"}                            the last line
//
// Directories that hold something need no record. Errors bear the kernel's name,
// or "errno 123" where this package knows none.
type Snapshot struct {
	Hosts []Host
	Site  []byte // text of the site file; nil when the snapshot holds none
}

// Write writes the snapshot packed with gzip, entries sorted by path and hosts
// as they stand. The same snapshot gives the same bytes.
func (s *Snapshot) Write(w io.Writer) error {
	if len(s.Hosts) > MaxHosts {
		return fmt.Errorf("write snapshot: found %d hosts, want at most %d", len(s.Hosts), MaxHosts)
	}
	packed := gzip.NewWriter(w) // its header has no time and no name
	if err := errors.Join(s.writePlain(packed), packed.Close()); err != nil {
		return fmt.Errorf("write snapshot: %w", err)
	}
	return nil
}

func (s *Snapshot) writePlain(w io.Writer) error {
	out := bufio.NewWriterSize(w, 1<<16)
	var buf []byte
	line := func(pairs ...string) error {
		buf = appendRecord(buf[:0], pairs...)
		_, err := out.Write(buf)
		return err
	}
	if _, err := fmt.Fprintf(out, "{\"tarsia\":\"snapshot\",\"version\":%d}\n", Version); err != nil {
		return err
	}
	if s.Site != nil {
		if err := checkSite(s.Site); err != nil {
			return err
		}
		if err := line("site", string(s.Site)); err != nil {
			return err
		}
	}
	names := map[string]bool{}
	for _, h := range s.Hosts {
		if err := checkHost(h.Name, h.Taken); err != nil {
			return err
		}
		if names[h.Name] {
			return fmt.Errorf("found host %q twice", h.Name)
		}
		names[h.Name] = true
		pairs := []string{"host", h.Name}
		if h.Taken != "" {
			pairs = append(pairs, "taken", h.Taken)
		}
		if err := line(pairs...); err != nil {
			return err
		}
		if err := h.Files.write(line); err != nil {
			return err
		}
	}
	if err := line("end", "snapshot"); err != nil {
		return err
	}
	return out.Flush()
}

func checkSite(site []byte) error {
	if !readable(string(site)) || len(site) > MaxFile {
		return fmt.Errorf("found a site file of %d bytes, want at most %d of plain UTF-8", len(site), MaxFile)
	}
	return nil
}

func checkHost(name, taken string) error {
	if name == "" || len(name) > maxHostName || !isText(name) || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return fmt.Errorf("found host name %q, want 1 to %d bytes of UTF-8 without white space", clip(name), maxHostName)
	}
	if taken == "" {
		return nil
	}
	if _, err := time.Parse(time.RFC3339, taken); err != nil {
		return fmt.Errorf("found time %q, want one such as 2006-01-02T15:04:05Z (RFC 3339)", clip(taken))
	}
	return nil
}

// write hands every entry to line, sorted by path.
func (f *Files) write(line func(pairs ...string) error) error {
	for _, name := range slices.Sorted(maps.Keys(f.entries)) {
		if pairs := f.entries[name].record(name); pairs != nil {
			if err := line(pairs...); err != nil {
				return err
			}
		}
	}
	return nil
}

// record is the entry as a line; nil for a directory that its entries imply.
func (e *entry) record(name string) []string {
	switch {
	case e.kind == kindLink:
		return []string{"l", name, "to", e.text}
	case e.kind == kindNamed:
		return []string{"u", name}
	case e.kind == kindBroken:
		return []string{"x", name, "e", errnoName(e.errno)}
	case e.kind == kindDir && e.errno != 0:
		return []string{"d", name, "e", errnoName(e.errno)}
	case e.kind == kindDir && e.partial:
		return []string{"w", name}
	case e.kind == kindDir && (len(e.below) > 0 || name == "."):
		return nil
	case e.kind == kindDir:
		return []string{"d", name}
	case e.errno != 0:
		return []string{"f", name, "e", errnoName(e.errno)}
	case e.unread:
		return []string{"f", name}
	case readable(e.text):
		return []string{"f", name, "t", e.text}
	}
	return []string{"f", name, "b", base64.StdEncoding.EncodeToString([]byte(e.text))}
}

// readable tells whether a file is stored as text: UTF-8 in which control
// characters other than line ends and tabs are few, as in the strings of a
// device tree.
func readable(text string) bool {
	if !isText(text) {
		return false
	}
	odd := 0
	for i := range len(text) {
		if c := text[i]; c < ' ' && c != '\n' && c != '\t' && c != '\r' || c == 0x7f {
			odd++
		}
	}
	return odd*8 <= len(text)
}
