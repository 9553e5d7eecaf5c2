// SPDX-License-Identifier: Apache-2.0

package isa

import "slices"

// profiles are the mandatory extensions of the RISC-V application profiles
// beyond RV64I, in their kernel spelling: "RISC-V Profiles" 1.0, section
// "RVA22U64 Mandatory Extensions", and "RVA23 Profiles" 1.0, section "RVA23U64
// Mandatory Extensions". The highest comes first.
var profiles = []struct {
	name      string
	mandatory []string
}{
	{"RVA23U64", append([]string{
		"v", "zvfhmin", "zvbb", "zvkt", "zihintntl", "zicond", "zimop", "zcmop", "zcb", "zfa", "zawrs", "supm",
	}, rva22...)},
	{"RVA22U64", rva22},
}

var rva22 = []string{
	"i", "m", "a", "f", "d", "c", "zicsr", "zicntr", "zihpm", "ziccif", "ziccrse", "ziccamoa", "zicclsm",
	"za64rs", "zihintpause", "zba", "zbb", "zbs", "zic64b", "zicbom", "zicbop", "zicboz", "zfhmin", "zkt",
}

// invisible are mandatory extensions that the kernel's isa string may leave out
// although the core has them: properties of memory and of reservation sets, the
// block size that cpuinfo does not print, and pointer masking, which it prints
// under the names of the privileged extensions. hwprobe (riscv_hwprobe(2), keys
// IMA_EXT_0, IMA_EXT_1 and ZICBOM_BLOCK_SIZE), a device tree and the isa
// strings of the newest kernels can tell them.
var invisible = []string{"ziccif", "ziccrse", "ziccamoa", "zicclsm", "za64rs", "zic64b", "zicbop", "supm"}

// Unprinted tells whether an extension is one that a kernel may leave out of
// its isa string although every hart has it.
func Unprinted(extension string) bool { return slices.Contains(invisible, extension) }

// implied are extensions that another one contains (Unprivileged ISA and RVA23
// Profiles, section "Glossary"); the isa string of older kernels names only the
// containing one.
var implied = map[string][]string{
	"a":    {"zaamo", "zalrsc"},
	"f":    {"zicsr"},
	"h":    {"zicsr"},
	"v":    {"zve64d", "zve64f", "zve64x", "zve32f", "zve32x", "zvl128b"},
	"zcb":  {"zca"},
	"zfh":  {"zfhmin"},
	"zvfh": {"zvfhmin"},
	"zvbb": {"zvkb"},
	"zkn":  {"zbkb", "zbkc", "zbkx", "zkne", "zknd", "zknh"},
	"zk":   {"zkn", "zkr", "zkt"},
	// Supm is "pointer masking for user mode", which either of these gives
	// (Pointer Masking 1.0, section 2).
	"smnpm": {"supm"},
	"ssnpm": {"supm"},
}

// ProfileRISCV returns the highest of RVA23U64 and RVA22U64 whose every
// mandatory extension is in extensions, or "". When the only extensions that a
// higher profile lacks are ones that the kernel may leave out of its isa
// string, that profile is returned as maybe, with them in unproven, sorted: it
// can be neither proved nor refused.
func ProfileRISCV(extensions []string) (level, maybe string, unproven []string) {
	has := closure(extensions)
	for _, p := range profiles {
		var lacking []string
		refused := false
		for _, e := range p.mandatory {
			if !has[e] {
				lacking = append(lacking, e)
				refused = refused || !Unprinted(e)
			}
		}
		switch {
		case len(lacking) == 0:
			return p.name, maybe, unproven
		case !refused && maybe == "":
			slices.Sort(lacking)
			maybe, unproven = p.name, lacking
		}
	}
	return "", maybe, unproven
}

// closure adds what is implied, until nothing more is.
func closure(extensions []string) map[string]bool {
	has := make(map[string]bool, 2*len(extensions))
	todo := slices.Clone(extensions)
	for len(todo) > 0 {
		e := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if has[e] {
			continue
		}
		has[e] = true
		todo = append(todo, implied[e]...)
		if has["zaamo"] && has["zalrsc"] && !has["a"] {
			todo = append(todo, "a")
		}
		if has["zca"] && has["zcd"] && !has["c"] {
			todo = append(todo, "c") // RV64: C is Zca and Zcd when D is there
		}
	}
	return has
}

// vendor id of T-Head in mvendorid (JEDEC bank 12, offset 0x37).
const mvendorTHead = 0x5b7

// DraftVectorRISCV tells whether "v" of a hart is the draft vector extension
// 0.7.1 and not RVV 1.0, by mvendorid and marchid of its cpuinfo block: T-Head's
// C906, C910 and C920 all answer marchid 0, and the later cores with RVV 1.0
// have another one (kernel arch/riscv/kernel/cpufeature.c,
// "riscv_fill_hwcap", and commit dc6667a4e7e3, which drops "v" for them).
func DraftVectorRISCV(mvendorid, marchid uint64) bool {
	return mvendorid == mvendorTHead && marchid == 0
}
