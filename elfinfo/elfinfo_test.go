// SPDX-License-Identifier: Apache-2.0

package elfinfo_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/elfinfo"
	"tarsia.dev/tarsia/isa"
)

// file is a small ELF64 file of little-endian order.
type file struct {
	machine elf.Machine
	flags   uint32
	parts   []part // segments; one with a name is a section instead
}

type part struct {
	kind    uint32
	section string
	data    []byte
}

func (f file) bytes() []byte {
	var segments, sections []part
	for _, p := range f.parts {
		if p.section != "" {
			sections = append(sections, p)
		} else {
			segments = append(segments, p)
		}
	}
	names := []byte{0}
	var offsets []uint32
	for _, s := range sections {
		offsets = append(offsets, uint32(len(names)))
		names = append(append(names, s.section...), 0)
	}
	strtab := uint32(len(names))
	names = append(names, ".shstrtab\x00"...)
	phoff := uint64(64)
	at := phoff + 56*uint64(len(segments))
	var head, body bytes.Buffer
	le := binary.LittleEndian
	put := func(v ...any) {
		for _, x := range v {
			_ = binary.Write(&head, le, x) // a buffer takes everything
		}
	}
	place := func(data []byte) uint64 {
		off := at + uint64(body.Len())
		body.Write(data)
		return off
	}
	type sh struct {
		name, kind uint32
		off, size  uint64
	}
	var ph, shs []sh
	for _, s := range segments {
		ph = append(ph, sh{kind: s.kind, off: place(s.data), size: uint64(len(s.data))})
	}
	shs = append(shs, sh{})
	for i, s := range sections {
		shs = append(shs, sh{offsets[i], s.kind, place(s.data), uint64(len(s.data))})
	}
	shs = append(shs, sh{strtab, uint32(elf.SHT_STRTAB), place(names), uint64(len(names))})
	put([]byte("\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00"), uint16(elf.ET_EXEC), uint16(f.machine), uint32(1),
		uint64(0), phoff, at+uint64(body.Len()), f.flags, uint16(64), uint16(56), uint16(len(segments)), uint16(64), uint16(len(shs)), uint16(len(shs)-1))
	for _, p := range ph {
		put(p.kind, uint32(4), p.off, uint64(0), uint64(0), p.size, p.size, uint64(8))
	}
	head.Write(body.Bytes())
	for _, s := range shs {
		put(s.name, s.kind, uint64(0), uint64(0), s.off, s.size, uint32(0), uint32(0), uint64(1), uint64(0))
	}
	return head.Bytes()
}

// property is a segment of notes with one GNU property.
func property(kind, value uint32) part {
	var b bytes.Buffer
	for _, v := range []any{uint32(4), uint32(16), uint32(5), []byte("GNU\x00"), kind, uint32(4), value, uint32(0)} {
		_ = binary.Write(&b, binary.LittleEndian, v)
	}
	return part{kind: uint32(elf.PT_NOTE), data: b.Bytes()}
}

// attributes is a section of RISC-V attributes with an architecture.
func attributes(arch string) part {
	tags := append([]byte{4, 16, 5}, arch+"\x00"...) // stack alignment 16, then the string
	sub := append(binary.LittleEndian.AppendUint32([]byte{1}, uint32(5+len(tags))), tags...)
	vendor := append([]byte("riscv\x00"), sub...)
	data := append(binary.LittleEndian.AppendUint32([]byte{'A'}, uint32(4+len(vendor))), vendor...)
	return part{kind: 0x70000003, section: ".riscv.attributes", data: data}
}

func level(t *testing.T, arch, word string) isa.Need {
	t.Helper()
	n, err := isa.Level(arch, word)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestRead(t *testing.T) {
	for _, c := range []struct {
		name string
		file file
		want elfinfo.Info
	}{
		{"plain", file{machine: elf.EM_X86_64, parts: []part{{kind: uint32(elf.PT_INTERP), data: []byte("/lib64/ld-linux-x86-64.so.2\x00")}}},
			elfinfo.Info{Need: isa.Need{Architecture: "amd64"}, Interpreter: "/lib64/ld-linux-x86-64.so.2"}},
		{"x86-64-v3 needed", file{machine: elf.EM_X86_64, parts: []part{property(0xc0008002, 1|2|4)}},
			elfinfo.Info{Need: level(t, "amd64", "v3"), Sources: []string{".note.gnu.property"}}},
		{"only used", file{machine: elf.EM_X86_64, parts: []part{property(0xc0010002, 8)}},
			elfinfo.Info{Need: isa.Need{Architecture: "amd64"}}},
		{"marks are no demand", file{machine: elf.EM_AARCH64, parts: []part{property(0xc0000000, 1|2)}},
			elfinfo.Info{Need: isa.Need{Architecture: "arm64"}, BTI: true, PAC: true}},
		{"rv64gc", file{machine: elf.EM_RISCV, flags: 0x5},
			elfinfo.Info{Need: isa.Need{Architecture: "riscv64", Extensions: []string{"c", "d", "f"}}, FloatABI: "double", Sources: []string{"e_flags"}}},
		{"vector", file{machine: elf.EM_RISCV, flags: 0x5, parts: []part{attributes("rv64i2p1_m2p0_a2p1_f2p2_d2p2_c2p0_v1p0_zicsr2p0_zihintpause2p0")}},
			elfinfo.Info{Need: isa.Need{Architecture: "riscv64", Extensions: []string{"a", "c", "d", "f", "i", "m", "v", "zicsr"}},
				FloatABI: "double", Sources: []string{"e_flags", ".riscv.attributes"}}},
		{"draft vector", file{machine: elf.EM_RISCV, flags: 0x5, parts: []part{attributes("rv64i2p0_m2p0_a2p0_f2p0_d2p0_c2p0_v0p7")}},
			elfinfo.Info{Need: isa.Need{Architecture: "riscv64", Extensions: []string{"a", "c", "d", "f", "i", "m"}, DraftVector: true},
				FloatABI: "double", Sources: []string{"e_flags", ".riscv.attributes"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := elfinfo.Read(bytes.NewReader(c.file.bytes()))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadRefuses(t *testing.T) {
	for _, c := range []struct {
		name, want string
		data       []byte
	}{
		{"empty", "read ELF header", nil},
		{"no ELF", "read ELF header", []byte("#!/bin/sh\nexit 0\n" + strings.Repeat(" ", 100))},
		{"no GOARCH word", "want one with a GOARCH word", file{machine: elf.EM_SPARCV9}.bytes()},
		{"attributes that say nothing", `read .riscv.attributes: isa "sparc"`, file{machine: elf.EM_RISCV, parts: []part{attributes("sparc")}}.bytes()},
		{"attributes of another width", "want rv64", file{machine: elf.EM_RISCV, parts: []part{attributes("rv32imac")}}.bytes()},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := elfinfo.Read(bytes.NewReader(c.data))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

var builds = map[string][]byte{} // by architecture and level; tests here do not run in parallel

// build compiles a program for an architecture and level, once.
func build(t testing.TB, arch, level string) []byte {
	t.Helper()
	if data := builds[arch+level]; data != nil {
		return data
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module small\n", "main.go": "package main\n\nfunc main() {}\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", "build", "-o", "small", ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOFLAGS=", "GOARCH="+arch, "GO"+strings.ToUpper(arch)+"="+level)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build for %s: %v\n%s", arch, err, out)
	}
	data, err := os.ReadFile(filepath.Join(dir, "small"))
	if err != nil {
		t.Fatal(err)
	}
	builds[arch+level] = data
	return data
}

var built = map[string]string{"amd64": "v3", "arm64": "v8.2,lse", "riscv64": "rva22u64"}

// TestGo reads what the Go tool chain builds for three architectures.
func TestGo(t *testing.T) {
	for arch, word := range built {
		got, err := elfinfo.Read(bytes.NewReader(build(t, arch, word)))
		if err != nil {
			t.Fatal(err)
		}
		want := level(t, arch, word)
		if got.Need.Level != want.Level || !contains(got.Need.Extensions, want.Extensions) {
			t.Errorf("%s %s: got %+v, want all of %+v", arch, word, got.Need, want)
		}
	}
}

func contains(all, some []string) bool {
	has := map[string]bool{}
	for _, e := range all {
		has[e] = true
	}
	for _, e := range some {
		if !has[e] {
			return false
		}
	}
	return true
}

// FuzzRead: no panic, bounded reads, an error or a value; what it states is in
// order.
func FuzzRead(f *testing.F) {
	// Workers get their inputs from the process that started them.
	if worker := flag.Lookup("test.fuzzworker"); worker == nil || worker.Value.String() != "true" {
		for arch, word := range built {
			data := build(f, arch, word)
			f.Add(data[:min(len(data), 8<<10)])
		}
	}
	f.Add(file{machine: elf.EM_X86_64, parts: []part{property(0xc0008002, 15)}}.bytes())
	f.Add(file{machine: elf.EM_AARCH64, parts: []part{property(0xc0000000, 3)}}.bytes())
	f.Add(file{machine: elf.EM_RISCV, flags: 5, parts: []part{attributes("rv64gcv")}}.bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		info, err := elfinfo.Read(bytes.NewReader(data))
		if err != nil {
			if diff := cmp.Diff(elfinfo.Info{}, info); diff != "" {
				t.Fatalf("an error and a value:\n%s", diff)
			}
			return
		}
		if info.Need.Architecture == "" || len(info.Interpreter) > 4<<10 {
			t.Fatalf("%+v", info)
		}
		for i, e := range info.Need.Extensions {
			if e == "" || i > 0 && e <= info.Need.Extensions[i-1] {
				t.Fatalf("extensions out of order: %q", info.Need.Extensions)
			}
		}
	})
}
