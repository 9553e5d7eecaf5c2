// SPDX-License-Identifier: Apache-2.0

package device

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMIGCounts: of each profile a GPU takes as many instances as the user guide
// says.
func TestMIGCounts(t *testing.T) {
	for product, want := range map[string]string{
		"NVIDIA A100-SXM4-40GB": "[1g.5gb:7 1g.10gb:4 2g.10gb:3 3g.20gb:2 4g.20gb:1 7g.40gb:1]",
		"NVIDIA A100 80GB PCIe": "[1g.10gb:7 1g.20gb:4 2g.20gb:3 3g.40gb:2 4g.40gb:1 7g.80gb:1]",
		"NVIDIA H100 80GB HBM3": "[1g.10gb:7 1g.20gb:4 2g.20gb:3 3g.40gb:2 4g.40gb:1 7g.80gb:1]",
		"NVIDIA H200":           "[1g.18gb:7 1g.35gb:4 2g.35gb:3 3g.71gb:2 4g.71gb:1 7g.141gb:1]",
		"NVIDIA A30":            "[1g.6gb:4 2g.12gb:2 4g.24gb:1]",
		"NVIDIA GB200":          "[]",
		"Tesla T4":              "[]",
	} {
		got := []string{}
		if s := MIG(product); s != nil {
			if err := s.check(); err != nil {
				t.Errorf("%s: %v", product, err)
			}
			for i, p := range s.Profiles {
				got = append(got, fmt.Sprintf("%s:%d", p.Name, s.room(i, &Row{})))
			}
		}
		if diff := cmp.Diff(want, fmt.Sprint(got)); diff != "" {
			t.Errorf("%s: %s", product, diff)
		}
	}
}

func TestXCPModes(t *testing.T) {
	for dies, want := range map[int]string{
		8: "[spx:1 dpx:2 qpx:4 cpx:8]",
		6: "[spx:1 dpx:2 tpx:3 cpx:6]",
		4: "[spx:1 dpx:2 cpx:4]",
		1: "[spx:1 cpx:1]",
		0: "[]",
	} {
		got := []string{}
		if s := XCP(dies); s != nil {
			for i, p := range s.Profiles {
				got = append(got, fmt.Sprintf("%s:%d", p.Name, s.room(i, &Row{})))
			}
		}
		if diff := cmp.Diff(want, fmt.Sprint(got)); diff != "" {
			t.Errorf("%d dies: %s", dies, diff)
		}
	}
}
