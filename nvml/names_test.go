// SPDX-License-Identifier: Apache-2.0

package nvml_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/nvml"
)

func TestNames(t *testing.T) {
	for code, want := range map[int]string{0: "SUCCESS", 15: "GPU_IS_LOST", 999: "UNKNOWN", 77: "RETURN_77"} {
		if got := nvml.ReturnName(code); got != want {
			t.Errorf("%d: %q, want %q", code, got, want)
		}
	}
	if diff := cmp.Diff([]string{"idle", "hardware thermal slowdown", "bit 17"}, nvml.ClocksEventNames(1|0x40|1<<17)); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeHealth(t *testing.T) {
	for _, c := range []struct {
		mask int64
		want string // what is not as it should be, or not told
	}{
		{0x1aa, "partition assigned: not told; global fabric manager connected: not told"},
		{0x51aa, ""},
		{0x51a9, "degraded bandwidth: yes!"},
		{0x55aa, "incorrect configuration: insufficient NVLinks!"},
		{0x5faa, "incorrect configuration: value 15!"},
		{0xa1aa, "partition assigned: no!; global fabric manager connected: no!"},
	} {
		var got []string
		for _, f := range nvml.DecodeHealth(c.mask) {
			switch {
			case f.Bad:
				got = append(got, f.Name+": "+f.Value+"!")
			case f.Value == "not told":
				got = append(got, f.Name+": "+f.Value)
			}
		}
		if text := strings.Join(got, "; "); text != c.want {
			t.Errorf("%#x: %q, want %q", c.mask, text, c.want)
		}
	}
}
