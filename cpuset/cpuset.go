// SPDX-License-Identifier: Apache-2.0

// Package cpuset holds sets of logical CPUs (or NUMA nodes) with the kernel's
// list form as their one text form: "0-3,8,10-11" (kernel, cputopology.rst and
// cgroup-v2.rst, "cpuset.cpus"). The zero Set is empty and ready to use.
package cpuset

import (
	"fmt"
	"iter"
	"math/bits"
	"strconv"
	"strings"
)

// Max is the largest number that a Set holds. The kernel's own limit
// (CONFIG_NR_CPUS) is 8192 at most; the rest is headroom, and the bound keeps a
// hostile list from costing memory.
const Max = 1<<16 - 1

// Set is an immutable set of CPU numbers. Two equal sets have the same String;
// compare them with Equal.
type Set struct {
	words []uint64 // no trailing zero word
}

// Of returns the set of the given numbers. Numbers outside 0..Max are left out.
func Of(cpus ...int) Set {
	var words []uint64
	for _, c := range cpus {
		words = add(words, c)
	}
	return Set{words}
}

// Range returns the set first..last, both included.
func Range(first, last int) Set {
	var words []uint64
	for c := max(first, 0); c <= min(last, Max); c++ {
		words = add(words, c)
	}
	return Set{words}
}

func add(words []uint64, c int) []uint64 {
	if c < 0 || c > Max {
		return words
	}
	for len(words) <= c/64 {
		words = append(words, 0)
	}
	words[c/64] |= 1 << (c % 64)
	return words
}

// Parse reads the list form. White space around the list and an empty list are
// allowed, as the kernel writes both; numbers need not be in order.
func Parse(text string) (Set, error) {
	var words []uint64
	text = strings.TrimSpace(text)
	if text == "" {
		return Set{}, nil
	}
	for item := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(item, "-")
		a, err := number(first)
		if err != nil {
			return Set{}, fmt.Errorf("cpu list %q: %w", clip(text), err)
		}
		b := a
		if isRange {
			if b, err = number(last); err != nil {
				return Set{}, fmt.Errorf("cpu list %q: %w", clip(text), err)
			}
		}
		if b < a {
			return Set{}, fmt.Errorf("cpu list %q: range %q runs backwards", clip(text), clip(item))
		}
		for c := a; c <= b; c++ {
			words = add(words, c)
		}
	}
	return Set{words}, nil
}

// ParseMask reads the kernel's mask form: 32-bit hexadecimal groups, most
// significant first, separated by commas ("ffff,00000003").
func ParseMask(text string) (Set, error) {
	text = strings.TrimSpace(text)
	groups := strings.Split(text, ",")
	if len(groups) > (Max+1)/32 {
		return Set{}, fmt.Errorf("cpu mask of %d groups, want at most %d", len(groups), (Max+1)/32)
	}
	var words []uint64
	for i, g := range groups {
		v, err := strconv.ParseUint(strings.TrimPrefix(g, "0x"), 16, 32)
		if err != nil {
			return Set{}, fmt.Errorf("cpu mask %q: found group %q, want up to eight hexadecimal digits", clip(text), clip(g))
		}
		base := (len(groups) - 1 - i) * 32
		for ; v != 0; v &= v - 1 {
			words = add(words, base+bits.TrailingZeros64(v))
		}
	}
	return Set{words}, nil
}

func number(text string) (int, error) {
	n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 32)
	if err != nil {
		return 0, fmt.Errorf("found %q, want a CPU number", clip(text))
	}
	if n > Max {
		return 0, fmt.Errorf("found CPU %d, want at most %d", n, Max)
	}
	return int(n), nil
}

func clip(text string) string {
	if len(text) > 40 {
		return text[:40] + "..."
	}
	return text
}

// Len is the number of members.
func (s Set) Len() int {
	n := 0
	for _, w := range s.words {
		n += bits.OnesCount64(w)
	}
	return n
}

// IsEmpty tells whether the set has no member.
func (s Set) IsEmpty() bool { return len(s.words) == 0 }

// Has tells whether cpu is a member.
func (s Set) Has(cpu int) bool {
	return cpu >= 0 && cpu/64 < len(s.words) && s.words[cpu/64]&(1<<(cpu%64)) != 0
}

// First returns the lowest member, or -1 for the empty set.
func (s Set) First() int {
	for i, w := range s.words {
		if w != 0 {
			return i*64 + bits.TrailingZeros64(w)
		}
	}
	return -1
}

// All yields the members in increasing order.
func (s Set) All() iter.Seq[int] {
	return func(yield func(int) bool) {
		for i, w := range s.words {
			for ; w != 0; w &= w - 1 {
				if !yield(i*64 + bits.TrailingZeros64(w)) {
					return
				}
			}
		}
	}
}

// Slice returns the members in increasing order.
func (s Set) Slice() []int {
	out := make([]int, 0, s.Len())
	for c := range s.All() {
		out = append(out, c)
	}
	return out
}

// Equal tells whether both sets have the same members.
func (s Set) Equal(t Set) bool {
	if len(s.words) != len(t.words) {
		return false
	}
	for i, w := range s.words {
		if w != t.words[i] {
			return false
		}
	}
	return true
}

// And returns the members of both sets.
func (s Set) And(t Set) Set { return combine(s, t, func(a, b uint64) uint64 { return a & b }) }

// Or returns the members of either set.
func (s Set) Or(t Set) Set { return combine(s, t, func(a, b uint64) uint64 { return a | b }) }

// Minus returns the members of s that are not in t.
func (s Set) Minus(t Set) Set { return combine(s, t, func(a, b uint64) uint64 { return a &^ b }) }

// Contains tells whether every member of t is in s.
func (s Set) Contains(t Set) bool { return t.Minus(s).IsEmpty() }

// Overlaps tells whether the sets share a member.
func (s Set) Overlaps(t Set) bool { return !s.And(t).IsEmpty() }

func combine(s, t Set, op func(a, b uint64) uint64) Set {
	words := make([]uint64, max(len(s.words), len(t.words)))
	for i := range words {
		var a, b uint64
		if i < len(s.words) {
			a = s.words[i]
		}
		if i < len(t.words) {
			b = t.words[i]
		}
		words[i] = op(a, b)
	}
	for len(words) > 0 && words[len(words)-1] == 0 {
		words = words[:len(words)-1]
	}
	return Set{words}
}

// String returns the list form: increasing, runs of two or more as "a-b".
func (s Set) String() string {
	var b strings.Builder
	first, last := -2, -2
	flush := func() {
		if first < 0 {
			return
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(first))
		if last > first {
			b.WriteByte('-')
			b.WriteString(strconv.Itoa(last))
		}
	}
	for c := range s.All() {
		if c == last+1 {
			last = c
			continue
		}
		flush()
		first, last = c, c
	}
	flush()
	return b.String()
}

// MarshalText writes the list form.
func (s Set) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the list form.
func (s *Set) UnmarshalText(text []byte) error {
	v, err := Parse(string(text))
	if err != nil {
		return err
	}
	*s = v
	return nil
}
