// SPDX-License-Identifier: Apache-2.0

package device

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Part is what a pod holds of one device, as an assignment names it:
//
//	pci/0000:1b:00.0              the whole device
//	pci/0000:1b:00.0#1g.10gb@4    an instance of a profile that begins at slot 4
//	pci/0000:1b:00.0#milli=500    a share; several amounts are parted by commas
//	0000:b9:00.2                  a virtual function, by its own id
//	0000:b9:00.2#rdma=1           the same with a share of its device
type Part struct {
	ID      string // of the device or of the virtual function
	Profile string // "": no instance
	Start   int    // first slot of the instance
	Share   Amounts
}

// String writes the part as ParsePart reads it, amounts sorted by name.
func (p Part) String() string {
	switch {
	case p.Profile != "":
		return p.ID + "#" + p.Profile + "@" + strconv.Itoa(p.Start)
	case len(p.Share) > 0:
		return p.ID + "#" + p.Share.String()
	}
	return p.ID
}

// String lists the amounts by name: "memory=1024,milli=500".
func (a Amounts) String() string {
	var b []byte
	for i, name := range slices.Sorted(maps.Keys(a)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(append(append(b, name...), '='), a[name], 10)
	}
	return string(b)
}

// ParsePart reads what String writes. The error names the text and what was
// wanted instead.
func ParsePart(text string) (Part, error) {
	id, rest, cut := strings.Cut(text, "#")
	p := Part{ID: id}
	switch {
	case id == "":
		return Part{}, fmt.Errorf("parse device %q: it has no id, want ID, ID#PROFILE@SLOT or ID#NAME=AMOUNT", short(text))
	case !cut:
		return p, nil
	case strings.Contains(rest, "="):
		p.Share = Amounts{}
		for one := range strings.SplitSeq(rest, ",") {
			name, amount, _ := strings.Cut(one, "=")
			v, err := strconv.ParseInt(amount, 10, 64)
			if _, dup := p.Share[name]; err != nil || v <= 0 || name == "" || dup {
				return Part{}, fmt.Errorf("parse device %q: share %q, want NAME=AMOUNT, each name once and each amount above 0", short(text), short(one))
			}
			p.Share[name] = v
		}
		return p, nil
	}
	at := strings.LastIndexByte(rest, '@')
	if at > 0 {
		if start, err := strconv.Atoi(rest[at+1:]); err == nil && start >= 0 && start < MaxSlots {
			p.Profile, p.Start = rest[:at], start
			return p, nil
		}
	}
	return Part{}, fmt.Errorf("parse device %q: %q after the '#', want PROFILE@SLOT or NAME=AMOUNT", short(text), short(rest))
}

// short cuts text from outside for a message.
func short(s string) string {
	if len(s) > 60 {
		return s[:60] + "..."
	}
	return s
}
