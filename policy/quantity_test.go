// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"math"
	"testing"
)

func TestDecimal(t *testing.T) {
	for _, c := range []struct {
		in    string
		parts int64
		want  int64
		ok    bool
	}{
		{"0.24", millionth, 240000, true}, {"3", millionth, 3000000, true}, {".5", 1000, 500, true}, {"1.500", 1000, 1500, true},
		{"0", 1000, 0, true}, {"0.000", 1, 0, true}, {"000000000000000000000000000001", 1, 1, true}, {"5.", 1, 5, true},
		{"", 1, 0, false}, {".", 1, 0, false}, {"-1", 1, 0, false}, {"1e3", 1, 0, false}, {"1.2.3", 1000, 0, false}, {"0.0001", 1000, 0, false},
		{"99999999999999999999", 1, 0, false}, {"1001", 1, 0, false}, {"0x10", 1, 0, false}, {"1_000", 1, 0, false},
	} {
		most := int64(1000)
		if c.parts > 1 {
			most = 1 << 40
		}
		got, err := decimal(c.in, c.parts, most)
		if (err == nil) != c.ok || got != c.want {
			t.Errorf("decimal(%q, %d): found %d, %v, want %d, %v", c.in, c.parts, got, err, c.want, c.ok)
		}
	}
}

func TestWritten(t *testing.T) {
	for _, c := range []struct {
		v, parts int64
		want     string
	}{{2500, 1000, "2.5"}, {0, 1000, "0"}, {1, millionth, "0.000001"}, {-1500, 1000, "-1.5"}, {7, 1, "7"}, {3000, 1000, "3"}} {
		got := written(c.v, c.parts)
		if got != c.want {
			t.Errorf("written(%d, %d): found %s, want %s", c.v, c.parts, got, c.want)
		}
		if c.v >= 0 {
			if back, err := decimal(got, c.parts, math.MaxInt64); err != nil || back != c.v {
				t.Errorf("%s reads as %d, %v", got, back, err)
			}
		}
	}
}

func TestSeconds(t *testing.T) {
	for in, want := range map[string]int64{"10m": 600, "1h30m": 5400, "0s": 0, "90s": 90, "": -1, "10": -1, "-1s": -1, "1.5s": -1, "90000h": -1, "soon": -1} {
		got, err := seconds(in)
		if err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("seconds(%q): found %d, %v, want %d", in, got, err, want)
		}
	}
	for in, want := range map[int64]string{0: "0s", 600: "10m", 5400: "1h30m", 90061: "1d1h1m1s"} {
		if got := waitText(in); got != want {
			t.Errorf("waitText(%d): found %s, want %s", in, got, want)
		}
	}
}

func TestAmount(t *testing.T) {
	for _, c := range []struct {
		resource, in string
		want         int64
	}{
		{"cpu", "2", 2000}, {"cpu", "500m", 500}, {"cpu", "1.5", 1500}, {"memory", "2Gi", 2 << 30}, {"memory", "5k", 5000}, {"memory", "7", 7},
		{"nvidia.com/gpu", "8", 8}, {"nvidia.com/gpu", "0.5", -1}, {"memory", "9999999Pi", -1}, {"cpu", "x", -1}, {"memory", "1.5Gi", -1},
	} {
		got, err := amount(c.resource, c.in)
		if err != nil {
			got = -1
		}
		if got != c.want {
			t.Errorf("amount(%s, %s): found %d, %v, want %d", c.resource, c.in, got, err, c.want)
		}
	}
}

func TestShareDoesNotOverflow(t *testing.T) {
	for _, c := range []struct{ price, part, whole, want int64 }{
		{1000, 500, 1000, 500}, {3, 1, 2, 2}, {maxMoney, math.MaxInt64, 1, limitOfSum}, {0, 5, 3, 0}, {maxMoney, 1 << 40, 1 << 30, maxMoney << 10},
	} {
		if got := share(c.price, c.part, c.whole); got != c.want {
			t.Errorf("share(%d, %d, %d): found %d, want %d", c.price, c.part, c.whole, got, c.want)
		}
	}
}
