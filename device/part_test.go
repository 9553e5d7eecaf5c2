// SPDX-License-Identifier: Apache-2.0

package device

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPart(t *testing.T) {
	for text, want := range map[string]Part{
		"pci/0000:1b:00.0":                 {ID: "pci/0000:1b:00.0"},
		"pci/0000:1b:00.0#1g.10gb@4":       {ID: "pci/0000:1b:00.0", Profile: "1g.10gb", Start: 4},
		"gpu0#1g.10gb+me@0":                {ID: "gpu0", Profile: "1g.10gb+me"},
		"gpu0#milli=500":                   {ID: "gpu0", Share: Amounts{"milli": 500}},
		"0000:b9:00.2#memory=1024,milli=5": {ID: "0000:b9:00.2", Share: Amounts{"milli": 5, "memory": 1024}},
	} {
		got, err := ParsePart(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
		if got.String() != text {
			t.Errorf("%q is written as %q", text, got)
		}
	}
	for text, want := range map[string]string{
		"":                       `parse device "": it has no id`,
		"#1g@0":                  "it has no id",
		"gpu0#":                  `"" after the '#', want PROFILE@SLOT or NAME=AMOUNT`,
		"gpu0#1g":                "want PROFILE@SLOT",
		"gpu0#1g@-1":             "want PROFILE@SLOT",
		"gpu0#1g@256":            "want PROFILE@SLOT",
		"gpu0#@1":                "want PROFILE@SLOT",
		"gpu0#milli=0":           `share "milli=0", want NAME=AMOUNT`,
		"gpu0#milli=":            "want NAME=AMOUNT",
		"gpu0#=3":                "want NAME=AMOUNT",
		"gpu0#milli=1,milli=2":   "each name once",
		strings.Repeat("x", 100): "",
	} {
		_, err := ParsePart(text)
		if want == "" {
			if err != nil {
				t.Errorf("%q: %v", text, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func FuzzParsePart(f *testing.F) {
	for _, seed := range []string{"pci/0000:1b:00.0", "gpu0#1g.10gb@4", "0000:b9:00.2#rdma=1", "gpu0#memory=42599022592,milli=500", "a#b#c=1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParsePart(text)
		if err != nil {
			return
		}
		again, err := ParsePart(p.String())
		if err != nil {
			t.Fatalf("%q is written as %q: %v", text, p, err)
		}
		if diff := cmp.Diff(p, again); diff != "" {
			t.Fatalf("%q is written as %q: %s", text, p, diff)
		}
	})
}
