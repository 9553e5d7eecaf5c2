// SPDX-License-Identifier: Apache-2.0

package device

import "strings"

// migParts are GPUs of which the placement table is known. The profiles and how
// many instances of each a GPU takes are those of NVIDIA's Multi-Instance GPU
// User Guide, "Supported MIG Profiles"; where they may begin is what `nvidia-smi
// mig -lgipp` prints. Memory is in the words of the profile names.
var migParts = []struct {
	words  []string // all in the product name
	memory []string // by profile: 1g, 1g of double memory, 2g, 3g, 4g, 7g; of four slices: 1g, 2g, 4g
}{
	{[]string{"A30"}, []string{"6gb", "12gb", "24gb"}},
	{[]string{"A100", "40GB"}, []string{"5gb", "10gb", "10gb", "20gb", "20gb", "40gb"}},
	{[]string{"A100", "80GB"}, []string{"10gb", "20gb", "20gb", "40gb", "40gb", "80gb"}},
	{[]string{"H100", "80GB"}, []string{"10gb", "20gb", "20gb", "40gb", "40gb", "80gb"}},
	{[]string{"H100 PCIe"}, []string{"10gb", "20gb", "20gb", "40gb", "40gb", "80gb"}},
	{[]string{"H200"}, []string{"18gb", "35gb", "35gb", "71gb", "71gb", "141gb"}},
	{[]string{"B200"}, []string{"23gb", "45gb", "45gb", "90gb", "90gb", "180gb"}},
}

// MIG returns the placement table of a GPU by the product name that NVML
// reports ("NVIDIA H100 80GB HBM3"), nil when it is not known: then the table of
// the node itself must be asked for. Profiles with media extensions, of which a
// GPU takes one, are left out. A "GB200" is not a "B200": words match whole.
func MIG(product string) *Slots {
	for _, p := range migParts {
		known := true
		for _, w := range p.words {
			known = known && strings.Contains(" "+strings.ReplaceAll(product, "-", " ")+" ", " "+w+" ")
		}
		switch {
		case !known:
		case len(p.memory) == 3:
			return fourSlices(p.memory)
		default:
			return sevenSlices(p.memory)
		}
	}
	return nil
}

// sevenSlices is the table of a GPU of seven compute and eight memory slices;
// slots are memory slices.
func sevenSlices(memory []string) *Slots {
	return &Slots{Count: 8, Profiles: []Profile{
		{"1g." + memory[0], 1, []int{0, 1, 2, 3, 4, 5, 6}},
		{"1g." + memory[1], 2, []int{0, 2, 4, 6}},
		{"2g." + memory[2], 2, []int{0, 2, 4}},
		{"3g." + memory[3], 4, []int{0, 4}},
		{"4g." + memory[4], 4, []int{0}},
		{"7g." + memory[5], 8, []int{0}},
	}}
}

// fourSlices is the table of a GPU of four slices.
func fourSlices(memory []string) *Slots {
	return &Slots{Count: 4, Profiles: []Profile{
		{"1g." + memory[0], 1, []int{0, 1, 2, 3}},
		{"2g." + memory[1], 2, []int{0, 2}},
		{"4g." + memory[2], 4, []int{0}},
	}}
}

// XCP returns the placement table of an AMD GPU that is cut into compute
// partitions, by the number of its dies (8 for MI300X, 6 for MI300A): the modes
// of the amdgpu driver's current_compute_partition (SPX, DPX, TPX, QPX, CPX),
// each of which divides the dies evenly. All partitions of a GPU have one mode.
func XCP(dies int) *Slots {
	if dies < 1 || dies > MaxKind {
		return nil
	}
	s := &Slots{Count: dies, Uniform: true}
	for _, mode := range []struct {
		name  string
		parts int
	}{{"spx", 1}, {"dpx", 2}, {"tpx", 3}, {"qpx", 4}, {"cpx", dies}} {
		if dies%mode.parts != 0 || mode.name != "cpx" && mode.parts >= dies && mode.parts > 1 {
			continue
		}
		p := Profile{Name: mode.name, Size: dies / mode.parts}
		for at := 0; at < dies; at += p.Size {
			p.Starts = append(p.Starts, at)
		}
		s.Profiles = append(s.Profiles, p)
	}
	return s
}
