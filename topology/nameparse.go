// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// MaxNames bounds the names that ParseNameRange spells out.
const MaxNames = 100_000

// ParseNameRange reads what NameRange writes and people write like it:
// "hgx-[01-04,07],login". Names come in the order of the text, repeated ones
// once. A number is as wide as the range's first one is written. The error says
// which part is wrong, and that there are more than MaxNames.
func ParseNameRange(text string) ([]string, error) {
	var names []string
	seen := map[string]bool{}
	for rest := text; ; {
		part, more, again := cutName(rest)
		spelled, err := spell(part, MaxNames-len(names))
		if err != nil {
			return nil, err
		}
		for _, n := range spelled {
			if !seen[n] {
				seen[n] = true
				names = append(names, n)
			}
		}
		if !again {
			return names, nil
		}
		rest = more
	}
}

// cutName cuts at the first comma that stands outside brackets.
func cutName(text string) (first, rest string, more bool) {
	depth := 0
	for i, r := range text {
		switch {
		case r == '[':
			depth++
		case r == ']':
			depth--
		case r == ',' && depth <= 0:
			return text[:i], text[i+1:], true
		}
	}
	return text, "", false
}

// spell lists the names of one part, at most room of them.
func spell(part string, room int) ([]string, error) {
	part = strings.TrimSpace(part)
	bad := fmt.Errorf("found %q, want node names such as gpu-01 or gpu-[01-08,11]", short(part))
	if room <= 0 {
		return nil, fmt.Errorf("found more than %d names", MaxNames)
	}
	before, rest, ranged := strings.Cut(part, "[")
	if !ranged {
		if part == "" || strings.ContainsAny(part, "] \t\n*?") {
			return nil, bad
		}
		return []string{part}, nil
	}
	inside, after, closed := strings.Cut(rest, "]")
	if !closed || strings.ContainsAny(before+after, "[], \t\n*?") {
		return nil, bad
	}
	var names []string
	for run := range strings.SplitSeq(inside, ",") {
		low, high, dash := strings.Cut(run, "-")
		if !dash {
			high = low
		}
		a, err1 := strconv.ParseUint(low, 10, 63)
		b, err2 := strconv.ParseUint(high, 10, 63)
		if err1 != nil || err2 != nil || strings.HasPrefix(low, "+") || a > b {
			return nil, bad
		}
		if b-a >= uint64(room-len(names)) {
			return nil, fmt.Errorf("found more than %d names", MaxNames)
		}
		names = slices.Grow(names, int(b-a)+1)
		for i := a; i <= b; i++ {
			names = append(names, fmt.Sprintf("%s%0*d%s", before, len(low), i, after))
		}
	}
	return names, nil
}

func short(text string) string {
	if runes := []rune(text); len(runes) > 60 {
		return string(runes[:60]) + "..."
	}
	return text
}
