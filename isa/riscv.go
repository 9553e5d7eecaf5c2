// SPDX-License-Identifier: Apache-2.0

package isa

import (
	"fmt"
	"slices"
	"strings"
)

// RISCV is what an isa string says: "rv64imafdch_zicsr_zba". Base is "rv32",
// "rv64" or "rv128"; Extensions are lower case, single letters as one letter,
// sorted, each once.
type RISCV struct {
	Base       string
	Extensions []string
}

// maxISA bounds an isa string; the longest that a kernel of 2026 prints has
// fewer than 1,000 bytes.
const maxISA = 16 << 10

// ParseRISCV reads the isa string of /proc/cpuinfo or of a device tree's
// riscv,isa (RISC-V Unprivileged ISA, chapter "ISA Extension Naming
// Conventions"; kernel Documentation/arch/riscv/uabi.rst). Version numbers are
// dropped, "g" and "b" become what they stand for. The privilege modes "s" and
// "u", which vendor kernels of C910 cores put into the first word, are no
// extensions and are dropped as well.
func ParseRISCV(text string) (RISCV, error) {
	text = strings.ToLower(strings.TrimSpace(text))
	bad := func(want string) (RISCV, error) {
		return RISCV{}, fmt.Errorf("isa %q: want %s", clip(text), want)
	}
	if len(text) > maxISA {
		return bad("a shorter text")
	}
	first, rest, _ := strings.Cut(text, "_")
	r := RISCV{}
	for _, base := range []string{"rv128", "rv64", "rv32"} {
		if strings.HasPrefix(first, base) {
			r.Base, first = base, first[len(base):]
			break
		}
	}
	if r.Base == "" || first == "" || !strings.ContainsRune("ieg", rune(first[0])) {
		return bad("a form like rv64imafdc_zicsr")
	}
	if !plain(first) {
		return bad("letters and digits in its first word")
	}
	for len(first) > 0 {
		// A multi-letter extension may follow the letters without an
		// underscore; "s" begins one only when more than modes follow it.
		if nameless(first) {
			return bad("a name after z and x")
		}
		if modes(first) {
			break
		}
		if strings.IndexByte("zxs", first[0]) >= 0 {
			r.Extensions = append(r.Extensions, unversioned(first))
			break
		}
		r.letter(first[0])
		first = afterVersion(first[1:])
	}
	for word := range strings.SplitSeq(rest, "_") {
		switch {
		case word == "":
		case !plain(word) || word[0] <= '9' || nameless(word):
			return bad("words of letters and digits")
		case len(word) == 1 || afterVersion(word[1:]) == "":
			r.letter(word[0])
		default:
			r.Extensions = append(r.Extensions, unversioned(word))
		}
	}
	slices.Sort(r.Extensions)
	r.Extensions = slices.Compact(r.Extensions)
	return r, nil
}

// letter adds a single-letter extension or what the letter stands for.
func (r *RISCV) letter(c byte) {
	switch c {
	case 's', 'u':
	case 'g':
		r.Extensions = append(r.Extensions, "i", "m", "a", "f", "d", "zicsr", "zifencei")
	case 'b':
		r.Extensions = append(r.Extensions, "b", "zba", "zbb", "zbs")
	default:
		r.Extensions = append(r.Extensions, string(c))
	}
}

// String is the canonical isa string: letters in the order of the
// specification, then the other extensions in order.
func (r RISCV) String() string {
	const order = "iemafdqlcbkjtpvnh"
	var letters, words []string
	for _, e := range r.Extensions {
		if len(e) == 1 {
			letters = append(letters, e)
		} else {
			words = append(words, e)
		}
	}
	rank := func(e string) int {
		if i := strings.Index(order, e); i >= 0 {
			return i
		}
		return len(order) + int(e[0])
	}
	slices.SortFunc(letters, func(a, b string) int { return rank(a) - rank(b) })
	return strings.Join(append([]string{r.Base + strings.Join(letters, "")}, words...), "_")
}

// afterVersion skips a version, "2" or "2p1".
func afterVersion(text string) string {
	rest := strings.TrimLeft(text, "0123456789")
	if rest != text && len(rest) > 1 && rest[0] == 'p' && rest[1] >= '0' && rest[1] <= '9' {
		return strings.TrimLeft(rest[1:], "0123456789")
	}
	return rest
}

// modes tells whether a text is nothing but the letters of privilege modes.
func modes(text string) bool {
	for text != "" && (text[0] == 's' || text[0] == 'u') {
		text = afterVersion(text[1:])
	}
	return text == ""
}

// nameless tells whether a word is the prefix of a longer name and nothing else.
func nameless(word string) bool {
	return (word[0] == 'z' || word[0] == 'x') && afterVersion(word[1:]) == ""
}

func plain(word string) bool {
	return strings.TrimLeft(word, "abcdefghijklmnopqrstuvwxyz0123456789") == ""
}

// unversioned drops a version: "zba1p0" is "zba". A name that ends in digits
// of its own, as "zve32f", "zvl128b" or "za64rs", has a letter after them; only
// a form like 1p0 at the end is a version.
func unversioned(word string) string {
	minor := strings.TrimRight(word, "0123456789")
	if minor == word || !strings.HasSuffix(minor, "p") {
		return word
	}
	major := minor[:len(minor)-1]
	name := strings.TrimRight(major, "0123456789")
	if name == major || name == "" {
		return word
	}
	return name
}

func clip(text string) string {
	if len(text) > 60 {
		return text[:60] + "..."
	}
	return text
}
