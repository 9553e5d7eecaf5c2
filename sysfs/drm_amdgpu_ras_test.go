// SPDX-License-Identifier: Apache-2.0

package sysfs_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/sysfs"
)

func TestParseAMDGPURAS(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want *sysfs.AMDGPURAS // nil: an error
	}{
		"two lines":       {"ue: 1\nce: 23\n", &sysfs.AMDGPURAS{Uncorrectable: 1, Correctable: 23}},
		"with deferred":   {"ue: 0\nce: 0\nde: 4\n", &sysfs.AMDGPURAS{Deferred: new(int64(4))}},
		"padded":          {"ue: 2\nce: 1\n\x00\x00", &sysfs.AMDGPURAS{Uncorrectable: 2, Correctable: 1}},
		"empty":           {"", nil},
		"half":            {"ue: 1\n", nil},
		"not supported":   {"Query currently inaccessible\n", nil},
		"negative":        {"ue: -1\nce: 0\n", nil},
		"twice":           {"ue: 1\nue: 2\nce: 0\n", nil},
		"longer than any": {"ue: 99999999999999999999\nce: 0\n", nil},
	} {
		got, err := sysfs.ParseAMDGPURAS("ras/umc_err_count", []byte(c.text))
		switch {
		case c.want == nil && err == nil:
			t.Errorf("%s: read as %+v, want an error", name, got)
		case c.want != nil && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.want != nil:
			if d := cmp.Diff(*c.want, got); d != "" {
				t.Errorf("%s: -want +got:\n%s", name, d)
			}
		}
	}
}

func FuzzParseAMDGPURAS(f *testing.F) {
	f.Add([]byte("ue: 0\nce: 0\nde: 4\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := sysfs.ParseAMDGPURAS("x", data)
		if err != nil && r != (sysfs.AMDGPURAS{}) || r.Uncorrectable < 0 || r.Correctable < 0 {
			t.Errorf("%+v and %v", r, err)
		}
	})
}
