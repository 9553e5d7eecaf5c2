// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// NameRange writes node names the way people and host-list tools (Slurm,
// pdsh, ClusterShell) do: runs of the last number in a name are folded,
// "hgx-[01-04,07],login". Names are sorted and repeated ones dropped; every
// name can be read back from the result. No name gives "".
func NameRange(names []string) string {
	parts := make([]namePart, 0, len(names))
	for _, n := range names {
		parts = append(parts, splitName(n))
	}
	slices.SortFunc(parts, namePart.compare)
	parts = slices.Compact(parts)

	var out []string
	for len(parts) > 0 {
		first := parts[0]
		like := 1
		for like < len(parts) && first.digits != "" && parts[like].digits != "" &&
			parts[like].prefix == first.prefix && parts[like].suffix == first.suffix {
			like++
		}
		if like == 1 {
			out = append(out, first.String())
		} else {
			out = append(out, first.prefix+"["+strings.Join(runs(parts[:like]), ",")+"]"+first.suffix)
		}
		parts = parts[like:]
	}
	return strings.Join(out, ",")
}

// CompareNames orders names as people count: "gpu-2" before "gpu-10". Names
// that count alike ("n1", "n01") are ordered as text, so the order is total.
func CompareNames(a, b string) int { return splitName(a).compare(splitName(b)) }

// namePart is a name cut at its last run of digits. digits is "" where there
// is none, or where it is too long for a number: such a name stands alone.
type namePart struct {
	prefix, digits, suffix string
	number                 uint64
}

func splitName(name string) namePart {
	isDigit := func(r rune) bool { return r >= '0' && r <= '9' }
	end := strings.LastIndexFunc(name, isDigit) + 1
	if end == 0 {
		return namePart{prefix: name}
	}
	start := strings.LastIndexFunc(name[:end], func(r rune) bool { return !isDigit(r) }) + 1
	// LastIndexFunc gives the first byte of a rune; what follows it may be its
	// continuation bytes, which are no digits.
	for start < end && !isDigit(rune(name[start])) {
		start++
	}
	// Brackets, commas and a space are the syntax of the result or would be
	// misread as it.
	n, err := strconv.ParseUint(name[start:end], 10, 63)
	if err != nil || strings.ContainsAny(name, "[], ") {
		return namePart{prefix: name}
	}
	return namePart{prefix: name[:start], digits: name[start:end], suffix: name[end:], number: n}
}

func (p namePart) String() string { return p.prefix + p.digits + p.suffix }

func (p namePart) compare(q namePart) int {
	return cmp.Or(cmp.Compare(p.prefix, q.prefix), cmp.Compare(p.suffix, q.suffix),
		cmp.Compare(p.number, q.number), cmp.Compare(len(p.digits), len(q.digits)))
}

// runs folds sorted numbers of one prefix and suffix. A run goes on only while
// counting up from its first number, at that number's width, spells the next.
func runs(parts []namePart) []string {
	var out []string
	for len(parts) > 0 {
		n, width := 1, len(parts[0].digits)
		for n < len(parts) && parts[n].digits == fmt.Sprintf("%0*d", width, parts[0].number+uint64(n)) {
			n++
		}
		if n == 1 {
			out = append(out, parts[0].digits)
		} else {
			out = append(out, parts[0].digits+"-"+parts[n-1].digits)
		}
		parts = parts[n:]
	}
	return out
}
