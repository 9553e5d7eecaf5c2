// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// ReadSnapshot reads a snapshot, packed or plain. An error names the line; then
// there is no snapshot, not even half of one.
func ReadSnapshot(r io.Reader) (*Snapshot, error) {
	return readSnapshot(r, nil)
}

// EachHost reads a snapshot host by host, so that a fleet of any size takes the
// memory of one host: do gets each when all of it is read, with the text of the
// site file, nil where there is none. The bounds of ReadSnapshot on bytes and
// entries hold for each host by itself. An error names the line; hosts before it
// have been given to do. An error of do ends the reading and is returned as it
// is.
func EachHost(r io.Reader, do func(h Host, site []byte) error) error {
	_, err := readSnapshot(r, do)
	return err
}

// readSnapshot reads a snapshot; with do, the hosts are not in it.
func readSnapshot(r io.Reader, do func(Host, []byte) error) (*Snapshot, error) {
	in := bufio.NewReaderSize(r, 1<<16)
	plain := in
	if magic, err := in.Peek(2); err == nil && magic[0] == 0x1f && magic[1] == 0x8b {
		unpacked, err := gzip.NewReader(in)
		if err != nil {
			return nil, fmt.Errorf("read snapshot: unpack: %w", err)
		}
		plain = bufio.NewReaderSize(unpacked, 1<<16)
	}
	p := parser{in: plain, hosts: map[string]bool{}, do: do}
	s, err := p.snapshot()
	if p.stopped != nil {
		return nil, p.stopped
	}
	if err != nil {
		return nil, fmt.Errorf("read snapshot: line %d: %w", max(p.line, 1), err)
	}
	return s, nil
}

// parser reads a snapshot line by line.
type parser struct {
	in      *bufio.Reader
	line    int
	bytes   int64
	entries int
	hosts   map[string]bool // seen so far
	buf     []byte
	do      func(Host, []byte) error // takes each whole host; nil keeps them
	stopped error                    // what do returned
}

// whole hands the host that ends here to whoever takes them one by one.
func (p *parser) whole(s *Snapshot) error {
	if p.do == nil || len(s.Hosts) == 0 {
		return nil
	}
	h := s.Hosts[0]
	s.Hosts = nil
	p.bytes, p.entries = 0, 0
	p.stopped = p.do(h, s.Site)
	return p.stopped
}

// next returns the next line without its end; it is good until the next call.
func (p *parser) next() ([]byte, error) {
	p.line++
	p.buf = p.buf[:0]
	for {
		part, err := p.in.ReadSlice('\n')
		p.bytes += int64(len(part))
		switch {
		case p.bytes > maxSnapshot:
			return nil, fmt.Errorf("found more than %d bytes", int64(maxSnapshot))
		case len(p.buf)+len(part) > maxLine:
			return nil, fmt.Errorf("found a line longer than %d bytes", maxLine)
		}
		p.buf = append(p.buf, part...)
		switch {
		case err == nil:
			if !utf8.Valid(p.buf) {
				return nil, fmt.Errorf("found %q, want UTF-8", clip(string(p.buf)))
			}
			return p.buf[:len(p.buf)-1], nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(p.buf) == 0:
			return nil, fmt.Errorf(`found the end of the file, want {"end":"snapshot"}: it is cut short: %w`, io.ErrUnexpectedEOF)
		case errors.Is(err, io.EOF):
			return nil, fmt.Errorf("found a line without its end: the file is cut short: %w", io.ErrUnexpectedEOF)
		default:
			return nil, err
		}
	}
}

func (p *parser) snapshot() (*Snapshot, error) {
	if err := p.header(); err != nil {
		return nil, err
	}
	s := &Snapshot{}
	for {
		text, err := p.next()
		if err != nil {
			return nil, err
		}
		rec, err := parseRecord(text)
		if err != nil {
			return nil, err
		}
		switch rec.keys {
		case "end":
			if rec.values[0] != "snapshot" {
				return nil, fmt.Errorf("found the end of %q, want \"snapshot\"", clip(rec.values[0]))
			}
			if err := p.nothingMore(); err != nil {
				return nil, err
			}
			return s, p.whole(s)
		case "site":
			err = p.site(s, rec.values[0])
		case "host", "host,taken":
			err = p.host(s, rec)
		default:
			err = p.entry(s, rec)
		}
		if err != nil {
			return nil, err
		}
	}
}

// header wants the first line of a snapshot, of the version that is read here.
func (p *parser) header() error {
	text, err := p.next()
	if err != nil {
		return err
	}
	var head struct {
		Tarsia  string `json:"tarsia"`
		Version int    `json:"version"`
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&head); err != nil || head.Tarsia != "snapshot" || dec.More() {
		return fmt.Errorf("found %q, want {\"tarsia\":\"snapshot\",\"version\":%d}", clip(string(text)), Version)
	}
	if head.Version != Version {
		return fmt.Errorf("found version %d, this tarsia reads %d", head.Version, Version)
	}
	return nil
}

func (p *parser) nothingMore() error {
	p.line++
	switch _, err := p.in.ReadByte(); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return err
	}
	return errors.New("found more behind the end of the snapshot")
}

func (p *parser) site(s *Snapshot, text string) error {
	switch {
	case s.Site != nil:
		return errors.New("found a second site file")
	case len(p.hosts) > 0:
		return errors.New("found the site file behind a host, want it before")
	}
	s.Site = []byte(text)
	return checkSite(s.Site)
}

func (p *parser) host(s *Snapshot, rec record) error {
	if err := p.whole(s); err != nil {
		return err
	}
	h := Host{Name: rec.values[0], Files: NewFiles()}
	if rec.keys == "host,taken" {
		if h.Taken = rec.values[1]; h.Taken == "" {
			return errors.New("found an empty time, want none or one in RFC 3339")
		}
	}
	if err := checkHost(h.Name, h.Taken); err != nil {
		return err
	}
	switch {
	case p.hosts[h.Name]:
		return fmt.Errorf("found host %q twice", h.Name)
	case len(p.hosts) >= MaxHosts:
		return fmt.Errorf("found more than %d hosts", MaxHosts)
	}
	p.hosts[h.Name] = true
	s.Hosts = append(s.Hosts, h)
	return nil
}

func (p *parser) entry(s *Snapshot, rec record) error {
	e, err := entryOf(rec)
	if err != nil {
		return err
	}
	name := rec.values[0]
	if len(s.Hosts) == 0 {
		return fmt.Errorf("found %q before any host", clip(name))
	}
	files := s.Hosts[len(s.Hosts)-1].Files
	before := len(files.entries)
	if old, ok := files.entries[name]; ok && !old.implied {
		return fmt.Errorf("found %q twice", clip(name))
	}
	if err := files.put(name, e); err != nil {
		return fmt.Errorf("%q: %w", clip(name), err)
	}
	if p.entries += len(files.entries) - before; p.entries > maxAllEntries {
		return fmt.Errorf("found more than %d entries", maxAllEntries)
	}
	return nil
}

// entryOf turns a record into what it says of the path in its first value.
func entryOf(rec record) (entry, error) {
	var e entry
	var err error
	switch rec.keys {
	case "f":
		e = entry{kind: kindFile, unread: true}
	case "f,t":
		e = entry{kind: kindFile, text: rec.values[1]}
	case "f,b":
		var data []byte
		if data, err = base64.StdEncoding.Strict().DecodeString(rec.values[1]); err != nil {
			return e, fmt.Errorf("%q: found bad base64: %w", clip(rec.values[0]), err)
		}
		e = entry{kind: kindFile, text: string(data)}
	case "f,e":
		e = entry{kind: kindFile}
	case "d":
		e = entry{kind: kindDir}
	case "d,e":
		e = entry{kind: kindDir, partial: true}
	case "w":
		e = entry{kind: kindDir, partial: true}
	case "l,to":
		e = entry{kind: kindLink, text: rec.values[1]}
	case "u":
		e = entry{kind: kindNamed}
	case "x,e":
		e = entry{kind: kindBroken}
	default:
		return e, fmt.Errorf("found the keys %q, want those of a host, a file, a directory or a link", clip(rec.keys))
	}
	if strings.HasSuffix(rec.keys, ",e") {
		e.errno, err = parseErrno(rec.values[1])
	}
	if err == nil && len(e.text) > MaxFile {
		err = fmt.Errorf("%q: found %d bytes, want at most %d", clip(rec.values[0]), len(e.text), MaxFile)
	}
	return e, err
}
