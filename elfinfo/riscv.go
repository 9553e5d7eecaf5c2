// SPDX-License-Identifier: Apache-2.0

package elfinfo

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"io"
	"strings"

	"tarsia.dev/tarsia/isa"
)

// e_flags of RISC-V (psABI, section "File Header").
const (
	flagRVC      = 0x1
	flagFloatABI = 0x6
)

var floatABI = map[uint32]string{0: "soft", 2: "single", 4: "double", 6: "quad"}

// riscv reads e_flags and the attributes section.
func (in *Info) riscv(r io.ReaderAt, f *elf.File) error {
	flags, err := eFlags(r, f.ByteOrder)
	if err != nil {
		return err
	}
	in.FloatABI = floatABI[flags&flagFloatABI]
	need := map[string][]string{"single": {"f"}, "double": {"d", "f"}, "quad": {"d", "f", "q"}}[in.FloatABI]
	if flags&flagRVC != 0 {
		need = append(need, "c")
	}
	if len(need) > 0 {
		in.Need.Extensions = append(in.Need.Extensions, need...)
		in.Sources = append(in.Sources, "e_flags")
	}
	for _, s := range f.Sections {
		if s.Name != ".riscv.attributes" || s.Type == elf.SHT_NOBITS {
			continue
		}
		data, err := head(s.ReaderAt, s.FileSize, maxAttributes)
		if err != nil {
			return fmt.Errorf("read .riscv.attributes: %w", err)
		}
		if arch := attributeArch(data, f.ByteOrder); arch != "" {
			return in.arch(arch)
		}
	}
	return nil
}

// eFlags reads e_flags of a 64-bit header, which debug/elf does not keep.
func eFlags(r io.ReaderAt, order binary.ByteOrder) (uint32, error) {
	var data [4]byte
	if _, err := r.ReadAt(data[:], 48); err != nil {
		return 0, fmt.Errorf("read ELF header: %w", err)
	}
	return order.Uint32(data[:]), nil
}

// arch adds the extensions of a Tag_RISCV_arch string, "rv64i2p1_m2p0_v1p0".
// Vector of a version below 1 is the draft that some vendors built.
func (in *Info) arch(text string) error {
	r, err := isa.ParseRISCV(text)
	if err != nil {
		return fmt.Errorf("read .riscv.attributes: %w", err)
	}
	if r.Base != "rv64" {
		return fmt.Errorf("read .riscv.attributes: found %s in a 64-bit file, want rv64", r.Base)
	}
	draft := false
	for word := range strings.SplitSeq(strings.ToLower(text), "_") {
		draft = draft || strings.HasPrefix(word, "v0p") || word == "xtheadvector" || strings.HasPrefix(word, "xtheadvector1p")
	}
	in.Need.DraftVector = draft
	for _, e := range isa.Trapping(r.Extensions) {
		if !draft || e != "v" && !strings.HasPrefix(e, "zv") && e != "xtheadvector" {
			in.Need.Extensions = append(in.Need.Extensions, e)
		}
	}
	in.Sources = append(in.Sources, ".riscv.attributes")
	return nil
}

// attributeArch finds Tag_RISCV_arch (5) of the file in an attributes section
// (ELF for the Arm Architecture, section "Build Attributes", which the RISC-V
// psABI took over): version 'A', then vendors, each with sub-sections of tagged
// values; odd tags are strings. "" is none, or a malformed section.
func attributeArch(data []byte, order binary.ByteOrder) string {
	if len(data) == 0 || data[0] != 'A' {
		return ""
	}
	for data = data[1:]; len(data) >= 4; {
		size := uint64(order.Uint32(data))
		if size < 4 || size > uint64(len(data)) {
			return ""
		}
		vendor, subsections, ok := bytes.Cut(data[4:size], []byte{0})
		if ok && string(vendor) == "riscv" {
			if arch := fileArch(subsections, order); arch != "" {
				return arch
			}
		}
		data = data[size:]
	}
	return ""
}

func fileArch(data []byte, order binary.ByteOrder) string {
	for len(data) >= 5 {
		size := uint64(order.Uint32(data[1:]))
		if size < 5 || size > uint64(len(data)) {
			return ""
		}
		if data[0] == 1 { // Tag_File
			if arch := tagged(data[5:size]); arch != "" {
				return arch
			}
		}
		data = data[size:]
	}
	return ""
}

func tagged(data []byte) string {
	for len(data) > 0 {
		tag, n := binary.Uvarint(data)
		if n <= 0 {
			return ""
		}
		data = data[n:]
		if tag%2 == 0 {
			if _, n = binary.Uvarint(data); n <= 0 {
				return ""
			}
			data = data[n:]
			continue
		}
		text, rest, ok := bytes.Cut(data, []byte{0})
		if !ok {
			return ""
		}
		if tag == 5 {
			return string(text)
		}
		data = rest
	}
	return ""
}
