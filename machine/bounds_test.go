// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"bufio"
	"fmt"
	"strings"
	"testing"
)

// The bounds that cost gigabytes to reach are reached by a parser that has read
// nearly so much.
func TestBoundsOfWholeSnapshot(t *testing.T) {
	const two = "{\"tarsia\":\"snapshot\",\"version\":1}\n{\"host\":\"a\"}\n{\"d\":\"b/c\"}\n{\"end\":\"snapshot\"}\n"
	var hosts strings.Builder
	hosts.WriteString("{\"tarsia\":\"snapshot\",\"version\":1}\n")
	for i := range MaxHosts + 1 {
		fmt.Fprintf(&hosts, "{\"host\":\"h%d\"}\n", i)
	}
	for want, p := range map[string]parser{
		"":                                 {in: bufio.NewReader(strings.NewReader(two)), bytes: maxSnapshot - int64(len(two)), entries: maxAllEntries - 2},
		"found more than 2147483648 bytes": {in: bufio.NewReader(strings.NewReader(two)), bytes: maxSnapshot - int64(len(two)) + 1},
		"found more than 10000000 entries": {in: bufio.NewReader(strings.NewReader(two)), entries: maxAllEntries - 1},
		"found more than 20000 hosts":      {in: bufio.NewReader(strings.NewReader(hosts.String()))},
	} {
		p.hosts = map[string]bool{}
		s, err := p.snapshot()
		if got := fmt.Sprint(err); want == "" && err != nil || want != "" && (got != want || s != nil) {
			t.Errorf("found %v, want %q", err, want)
		}
	}
}

// The largest file fits into a line, whatever is in it.
func TestLargestFileFitsLine(t *testing.T) {
	name := strings.Repeat("\"", maxName)
	for what, fill := range map[string]string{"quotes": `"`, "odd": "\x01\n\n\n\n\n\n\n", "NULs": "\x00", "no text": "\xff"} {
		e := entry{kind: kindFile, text: strings.Repeat(fill, MaxFile/len(fill))}
		if n := len(appendRecord(nil, e.record(name)...)); n > maxLine {
			t.Errorf("%s: found a line of %d bytes, want at most %d", what, n, maxLine)
		}
	}
}
