// SPDX-License-Identifier: Apache-2.0

package collective

import (
	"bytes"
	_ "embed"
	"encoding/csv"
	"flag"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the table of docs/bandwidth.md")

//go:embed testdata/published.csv
var publishedCSV string

// figure is one published bus bandwidth.
type figure struct {
	id, machine, source string
	op                  Operation
	algorithm           Algorithm
	domains, ranks      int
	bytes               int64
	bus                 float64 // GB/s
}

func published(t *testing.T) []figure {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(publishedCSV)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []figure
	for _, r := range rows[1:] {
		f := figure{id: r[0], op: Operation(r[1]), algorithm: Algorithm(r[5]), machine: r[7], source: r[8]}
		for _, v := range []struct {
			text string
			to   any
		}{{r[2], &f.domains}, {r[3], &f.ranks}, {r[4], &f.bytes}, {r[6], &f.bus}} {
			if _, err := fmt.Sscan(v.text, v.to); err != nil {
				t.Fatalf("%s: %q: %v", f.id, v.text, err)
			}
		}
		out = append(out, f)
	}
	return out
}

// Line rates of one link and direction, as the machines themselves tell them
// (NVML link speeds, KFD, PCIe), in bytes per second.
const (
	nvlink3 = 25_781_000_000 // and NVLink 2
	nvlink4 = 26_562_000_000
	nvlink5 = 53_125_000_000
	xgmi    = 64_000_000_000
	pcie4   = 31_508_000_000 // x16
	pcie5   = 63_015_000_000
	gbit    = 125_000_000
)

// machines holds the structure of each published machine: what its maker says
// of it, never what was measured.
var machines = map[string]Fabric{
	"a100-8":        one(switched(8, 12*nvlink3, false)),
	"h200-8":        one(switched(8, 18*nvlink4, true)),
	"h100-8-gather": one(switched(8, 18*nvlink4, true)),
	"h100-8-ring":   one(switched(8, 18*nvlink4, true)),
	"h100-4":        one(switched(4, 18*nvlink4, true)),
	"h100-6":        one(switched(6, 18*nvlink4, true)),
	"h800-8":        one(switched(8, 8*nvlink4, true)),
	"a800-8":        one(switched(8, 8*nvlink3, false)),
	"b200-8":        one(switched(8, 18*nvlink5, true)),
	"gb200-72":      one(switched(72, 18*nvlink5, true)),
	"gb200-1440":    many(20, switched(72, 18*nvlink5, true), 72, 400*gbit),
	"mi300x-8":      one(meshed(8, XGMI, func(i, j int) int64 { return xgmi })),
	"h100-2x8":      many(2, switched(8, 18*nvlink4, true), 8, 400*gbit),
	"h100-4x8":      many(4, switched(8, 18*nvlink4, true), 8, 400*gbit),
	"a100-2x8-ring": many(2, switched(8, 12*nvlink3, false), 8, 200*gbit),
	"a100-2x8-4":    many(2, switched(8, 12*nvlink3, false), 4, 200*gbit),
	"a100-3x8-4":    many(3, switched(8, 12*nvlink3, false), 4, 200*gbit),
	"h100-2x4-ring": many(2, meshed(4, NVLink, func(i, j int) int64 { return 6 * nvlink4 }), 4, 200*gbit),
	"h100-2x1":      withPCIe(many(2, Domain{Ranks: 1}, 4, 400*gbit), pcie5),
	"a800-12x8":     many(12, switched(8, 8*nvlink3, false), 1, 200*gbit),
	"v100-2x4":      many(2, meshed(4, NVLink, func(i, j int) int64 { return 2 * nvlink3 }), 2, 100*gbit),
	"v100-4x8":      many(4, meshed(8, NVLink, cubeMesh), 1, 100*gbit),
	"dgx1-4x8":      many(4, meshed(8, NVLink, cubeMesh), 4, 100*gbit),
	"a100-pcie-2":   one(meshed(2, NVLink, func(i, j int) int64 { return 12 * nvlink3 })),
	"a100-pcie-3":   one(hosted(3, pcie4, 16_000_000_000)), // NCCL's constant for processors of that time
	"rtx5090-4":     one(hosted(4, pcie5, 40_000_000_000)), // PCIe 5 less NCCL's Intel overhead of 6/5
	"rtx5090-8":     one(hosted(8, pcie5, 22_000_000_000)), // NCCL's constant between Sapphire Rapids sockets
}

// cubeMesh is DGX-1 with V100: six links of each GPU, two to two of its
// neighbours and one to two others.
func cubeMesh(i, j int) int64 {
	return int64(map[[2]int]int{
		{0, 1}: 1, {0, 2}: 1, {0, 3}: 2, {0, 4}: 2, {1, 2}: 2, {1, 3}: 1, {1, 5}: 2, {2, 3}: 2, {2, 6}: 1, {3, 7}: 1,
		{4, 5}: 1, {4, 6}: 1, {4, 7}: 2, {5, 6}: 2, {5, 7}: 1, {6, 7}: 2,
	}[[2]int{min(i, j), max(i, j)}]) * nvlink3
}

func one(d Domain) Fabric { return Fabric{Domains: []Domain{d}} }

func many(count int, d Domain, ports int, rate int64) Fabric {
	var f Fabric
	for i := range count {
		e := d
		e.Name = fmt.Sprint("n", i)
		f.Domains = append(f.Domains, e)
		f.Between = append(f.Between, Way{Name: "ports of " + e.Name, Kind: Network, Ranks: d.Ranks, Rails: ports, BytesPerSecond: new(int64(ports) * rate)})
	}
	return f
}

func withPCIe(f Fabric, rate int64) Fabric {
	for _, d := range f.Domains {
		f.Between = append(f.Between, Way{Name: "PCIe link of the GPU of " + d.Name, Kind: PCIe, Ranks: 1, BytesPerSecond: new(rate)})
	}
	return f
}

func switched(ranks int, rate int64, reduces bool) Domain {
	d := Domain{Ranks: ranks, Reduces: reduces}
	for i := range ranks {
		d.Ways = append(d.Ways, Way{Name: fmt.Sprint("NVLinks of GPU", i), Kind: NVLink, Ranks: 1, BytesPerSecond: new(rate)})
	}
	return d
}

func meshed(ranks int, kind Kind, link func(i, j int) int64) Domain {
	rates := make([][]int64, ranks)
	for i := range rates {
		rates[i] = make([]int64, ranks)
		for j := range rates {
			if i != j {
				rates[i][j] = link(i, j)
			}
		}
	}
	d := Domain{Ranks: ranks}
	for i, c := range narrowest(rates) {
		d.Ways = append(d.Ways, Way{Name: fmt.Sprintf("links of GPU%v", setBits(c.members)), Kind: kind, Ranks: i + 1, BytesPerSecond: new(c.capacity)})
	}
	return d
}

// setBits lists the members of a set: "0" or "0,3".
func setBits(set uint32) string {
	var out []string
	for i := range 32 {
		if set>>i&1 == 1 {
			out = append(out, strconv.Itoa(i))
		}
	}
	return strings.Join(out, ",")
}

func hosted(ranks int, link, host int64) Domain {
	d := Domain{Ranks: ranks}
	for i := range ranks {
		d.Ways = append(d.Ways, Way{Name: fmt.Sprint("PCIe link of GPU", i), Kind: PCIe, Ranks: 1, BytesPerSecond: new(link)})
	}
	d.Ways = append(d.Ways, Way{Name: "host", Kind: Host, Ranks: ranks / 2, BytesPerSecond: new(host)})
	return d
}

func (f figure) expect(t *testing.T) Estimate {
	t.Helper()
	fabric, ok := machines[f.id]
	if !ok {
		t.Fatalf("%s has no machine", f.id)
	}
	if got, want := [2]int{len(fabric.Domains), fabric.Domains[0].Ranks}, [2]int{f.domains, f.ranks}; got != want {
		t.Fatalf("%s: domains and ranks %v, want %v", f.id, got, want)
	}
	e := fabric.Expect(f.op, f.bytes)
	if f.algorithm != "" {
		e = fabric.ExpectBy(f.op, f.algorithm, f.bytes)
	}
	if e.BusBytesPerSecond == nil {
		t.Fatalf("%s: nothing expected", f.id)
	}
	return e
}

// kendall is Kendall's rank correlation tau-b of two lists.
func kendall(x, y []float64) float64 {
	var score, tiesX, tiesY, pairs float64
	for i := range x {
		for j := range i {
			a, b := x[i]-x[j], y[i]-y[j]
			pairs++
			switch {
			case a == 0 && b == 0:
				tiesX, tiesY = tiesX+1, tiesY+1
			case a == 0:
				tiesX++
			case b == 0:
				tiesY++
			case a*b > 0:
				score++
			default:
				score--
			}
		}
	}
	return score / math.Sqrt((pairs-tiesX)*(pairs-tiesY))
}

func TestKendall(t *testing.T) {
	for _, c := range []struct {
		x, y []float64
		want float64
	}{
		{[]float64{1, 2, 3}, []float64{10, 20, 30}, 1},
		{[]float64{1, 2, 3}, []float64{3, 2, 1}, -1},
		{[]float64{1, 2, 3, 4}, []float64{1, 3, 2, 4}, 4. / 6},
		{[]float64{1, 1, 2}, []float64{1, 2, 3}, 2 / math.Sqrt(6)},
	} {
		if got := kendall(c.x, c.y); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("kendall(%v, %v) = %v, want %v", c.x, c.y, got, c.want)
		}
	}
}

// TestPublished holds the model to the published figures: the order of the
// machines, also with any one figure left out, and the size of the error.
func TestPublished(t *testing.T) {
	figures := published(t)
	if len(figures) < 8 {
		t.Fatalf("%d figures, want at least 8", len(figures))
	}
	var measured, expected, errs []float64
	for _, f := range figures {
		e := f.expect(t)
		got := *e.BusBytesPerSecond / 1e9
		measured, expected = append(measured, f.bus), append(expected, got)
		errs = append(errs, math.Abs(math.Log(got/f.bus)))
		t.Logf("%-14s measured %7.2f expected %7.2f (%+.0f %%) by %s, %s", f.id, f.bus, got, 100*(got/f.bus-1), e.Algorithm, e.Bottleneck)
	}
	tau := kendall(measured, expected)
	least := 1.0
	for i := range figures {
		least = min(least, kendall(slices.Delete(slices.Clone(measured), i, i+1), slices.Delete(slices.Clone(expected), i, i+1)))
	}
	slices.Sort(errs)
	median := math.Exp(errs[len(errs)/2]) - 1
	t.Logf("tau %.3f, with any one left out at least %.3f; median error %.1f %%", tau, least, 100*median)
	if tau < 0.8 || least < 0.8 {
		t.Errorf("tau %.3f, least %.3f: want at least 0.8", tau, least)
	}
	if median > 0.10 {
		t.Errorf("median error %.1f %%, want at most 10 %%", 100*median)
	}
}

// TestSizes compares the rise with the message size with two published tables.
func TestSizes(t *testing.T) {
	for _, c := range []struct {
		machine string
		bytes   int64
		bus     float64
	}{
		{"a100-8", 1 << 20, 36.22}, {"a100-8", 8 << 20, 89.99}, {"a100-8", 64 << 20, 166.63}, {"a100-8", 1 << 30, 228.10},
		{"h200-8", 1 << 20, 52.96}, {"h200-8", 8 << 20, 181.94}, {"h200-8", 64 << 20, 368.11}, {"h200-8", 1 << 30, 467.58},
	} {
		got := *machines[c.machine].Expect(AllReduce, c.bytes).BusBytesPerSecond / 1e9
		t.Logf("%s %d MiB: measured %.1f, expected %.1f", c.machine, c.bytes>>20, c.bus, got)
		if ratio := got / c.bus; ratio < 1/1.6 || ratio > 1.6 {
			t.Errorf("%s, %d MiB: expected %.1f GB/s, measured %.1f: want within a factor of 1.6", c.machine, c.bytes>>20, got, c.bus)
		}
	}
}

// TestPage runs docs/bandwidth.md: its table is what the model says.
func TestPage(t *testing.T) {
	const path, begin, end = "../docs/bandwidth.md", "<!-- the figures: go test ./collective -run TestPage -update -->\n", "<!-- end of the figures -->\n"
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(page), begin)
	old, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the figures", path)
	}
	var b bytes.Buffer
	b.WriteString("\n| machine | operation | size | measured GB/s | expected GB/s | off by | held up by |\n|---|---|---|---:|---:|---:|---|\n")
	for _, f := range published(t) {
		e := f.expect(t)
		got := *e.BusBytesPerSecond / 1e9
		name := string(f.op)
		if f.algorithm != "" {
			name += ", " + string(f.algorithm)
		}
		fmt.Fprintf(&b, "| [%s](%s) | %s | %s | %s | %.0f | %+.0f %% | %s |\n", f.machine, f.source, name, size(f.bytes),
			strconv.FormatFloat(f.bus, 'f', -1, 64), got, 100*(got/f.bus-1), e.Bottleneck)
	}
	b.WriteString("\n")
	if *update {
		if err := os.WriteFile(path, []byte(head+begin+b.String()+end+tail), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(b.String(), old); diff != "" {
		t.Errorf("%s is not what the model says (-want +got), rewrite it with -update:\n%s", path, diff)
	}
}

func size(n int64) string {
	if n%(1<<30) == 0 {
		return fmt.Sprint(n>>30, " GiB")
	}
	return fmt.Sprint(n>>20, " MiB")
}
