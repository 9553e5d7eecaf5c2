// SPDX-License-Identifier: Apache-2.0

// Package elfinfo reads what an ELF file asks of the machine that runs it:
// architecture, instruction set as far as it states one, loader. It reads
// headers and notes, never code: a program that chooses among versions of a
// function when it starts states only what it cannot do without, and one whose
// tool chain states nothing asks for the architecture alone. Begin with Read.
package elfinfo

import (
	"debug/buildinfo"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"

	"tarsia.dev/tarsia/isa"
)

// Info is what one ELF file states.
type Info struct {
	Need        isa.Need
	Interpreter string // PT_INTERP: "/lib64/ld-linux-x86-64.so.2"; "" is none
	// FloatABI is how floats are passed on RISC-V (psABI, EF_RISCV_FLOAT_ABI):
	// soft, single, double, quad; "" elsewhere. Program and loader must agree.
	FloatABI string
	// BTI and PAC tell that AArch64 code is marked for branch targets and pointer
	// authentication. They are no demands: their instructions are hints.
	BTI, PAC bool
	// Sources says where each part of Need was stated, in the order of reading:
	// "e_flags", ".riscv.attributes", ".note.gnu.property", "build info GOAMD64".
	Sources []string
}

// Bounds of what is read of a file from outside.
const (
	maxInterpreter = 4 << 10
	maxNotes       = 64 << 10
	maxAttributes  = 64 << 10
)

// Read reads an ELF file. The error is of a file that is none, is cut off, or
// is of an architecture for which there is no GOARCH word.
func Read(r io.ReaderAt) (Info, error) {
	f, err := elf.NewFile(r)
	if err != nil {
		return Info{}, fmt.Errorf("read ELF header: %w", err)
	}
	arch, err := architecture(&f.FileHeader)
	if err != nil {
		return Info{}, err
	}
	in := Info{Need: isa.Need{Architecture: arch}}
	if err := in.segments(f); err != nil {
		return Info{}, err
	}
	if arch == "riscv64" {
		if err := in.riscv(r, f); err != nil {
			return Info{}, err
		}
	}
	in.goLevel(r)
	slices.Sort(in.Need.Extensions)
	in.Need.Extensions = slices.Compact(in.Need.Extensions)
	return in, nil
}

// architecture is the GOARCH word of e_machine, class and byte order.
func architecture(h *elf.FileHeader) (string, error) {
	little := h.Data == elf.ELFDATA2LSB
	switch {
	case h.Machine == elf.EM_X86_64 && h.Class == elf.ELFCLASS64 && little:
		return "amd64", nil
	case h.Machine == elf.EM_386 && little:
		return "386", nil
	case h.Machine == elf.EM_AARCH64 && h.Class == elf.ELFCLASS64 && little:
		return "arm64", nil
	case h.Machine == elf.EM_ARM && little:
		return "arm", nil
	case h.Machine == elf.EM_RISCV && h.Class == elf.ELFCLASS64 && little:
		return "riscv64", nil
	case h.Machine == elf.EM_PPC64 && little:
		return "ppc64le", nil
	case h.Machine == elf.EM_PPC64:
		return "ppc64", nil
	case h.Machine == elf.EM_S390 && h.Class == elf.ELFCLASS64 && !little:
		return "s390x", nil
	case h.Machine == elf.EM_LOONGARCH && h.Class == elf.ELFCLASS64 && little:
		return "loong64", nil
	}
	return "", fmt.Errorf("read ELF header: found machine %d of %s, %s, want one with a GOARCH word", h.Machine, h.Class, h.Data)
}

// segments reads the interpreter and the GNU properties.
func (in *Info) segments(f *elf.File) error {
	for _, p := range f.Progs {
		switch p.Type {
		case elf.PT_INTERP:
			data, err := head(p.ReaderAt, p.Filesz, maxInterpreter)
			if err != nil {
				return fmt.Errorf("read ELF interpreter: %w", err)
			}
			in.Interpreter, _, _ = strings.Cut(string(data), "\x00")
		case elf.PT_NOTE:
			data, err := head(p.ReaderAt, p.Filesz, maxNotes)
			if err != nil {
				return fmt.Errorf("read ELF notes: %w", err)
			}
			in.notes(data, f.ByteOrder, p.Align, f.Class)
		}
	}
	return nil
}

// head reads up to most bytes of a part of a file; what is longer is cut off.
func head(r io.ReaderAt, size, most uint64) ([]byte, error) {
	data := make([]byte, min(size, most))
	n, err := r.ReadAt(data, 0)
	if err != nil && (err != io.EOF || n < len(data)) {
		return nil, err
	}
	return data, nil
}

// Numbers of notes and properties (Linux gABI extensions; x86-64 psABI 1.0,
// section 5.2 "Program Property"; AArch64 ELF ABI, section "Program Property").
const (
	noteGNUProperty = 5
	propX86Needed   = 0xc0008002 // GNU_PROPERTY_X86_ISA_1_NEEDED
	propArm64And    = 0xc0000000 // GNU_PROPERTY_AARCH64_FEATURE_1_AND
)

// notes looks for GNU properties in a segment of notes. What is malformed ends
// the walk: notes are no demand that could be guessed.
func (in *Info) notes(data []byte, order binary.ByteOrder, align uint64, class elf.Class) {
	pad := uint64(4)
	if align == 8 {
		pad = 8
	}
	up := func(n uint64) uint64 { return (n + pad - 1) / pad * pad }
	for len(data) >= 12 {
		name, desc, kind := uint64(order.Uint32(data)), uint64(order.Uint32(data[4:])), order.Uint32(data[8:])
		begin := 12 + (name+3)/4*4
		begin = up(begin)
		if begin+desc > uint64(len(data)) {
			return
		}
		if kind == noteGNUProperty && name == 4 && string(data[12:16]) == "GNU\x00" {
			in.properties(data[begin:begin+desc], order, class)
		}
		data = data[min(up(begin+desc), uint64(len(data))):]
	}
}

func (in *Info) properties(data []byte, order binary.ByteOrder, class elf.Class) {
	pad := 4
	if class == elf.ELFCLASS64 {
		pad = 8
	}
	for len(data) >= 8 {
		kind, size := order.Uint32(data), uint64(order.Uint32(data[4:]))
		if size > uint64(len(data)-8) {
			return
		}
		if value := data[8 : 8+size]; size >= 4 {
			in.property(kind, order.Uint32(value))
		}
		next := (8 + int(size) + pad - 1) / pad * pad
		data = data[min(next, len(data)):]
	}
}

func (in *Info) property(kind, bits uint32) {
	switch {
	case kind == propX86Needed && in.Need.Architecture == "amd64":
		// Bit 0 is the baseline, bits 1 to 3 the levels v2 to v4.
		for level := 4; level > 1; level-- {
			if bits>>(level-1)&1 == 1 {
				in.level(fmt.Sprint("v", level), ".note.gnu.property")
				return
			}
		}
	case kind == propArm64And && in.Need.Architecture == "arm64":
		in.BTI, in.PAC = bits&1 == 1, bits&2 == 2
	}
}

// level adds what a level asks for; of two the higher stands as the name.
func (in *Info) level(word, source string) {
	n, err := isa.Level(in.Need.Architecture, word)
	if err != nil || n.Level == "" && len(n.Extensions) == 0 {
		return
	}
	if len(n.Extensions) >= len(in.Need.Extensions) {
		in.Need.Level = n.Level
	}
	in.Need.Extensions = append(in.Need.Extensions, n.Extensions...)
	in.Sources = append(in.Sources, source)
}

// goLevel reads the level for which Go built a program (debug/buildinfo).
func (in *Info) goLevel(r io.ReaderAt) {
	info, err := buildinfo.Read(r)
	if err != nil {
		return // not a Go program, or one without build info
	}
	key := "GO" + strings.ToUpper(in.Need.Architecture)
	for _, s := range info.Settings {
		if s.Key == key {
			in.level(s.Value, "build info "+key)
		}
	}
}
