// SPDX-License-Identifier: Apache-2.0

package expect

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"tarsia.dev/tarsia/internal/edit"
	"tarsia.dev/tarsia/topology"
)

// value is one fact of one object of a node. Where it is not known, text is ""
// and why says what the node answers instead.
type value struct {
	object topology.Ref
	text   string
	why    string
}

// About is what others than the node itself say of it: its labels, and its
// domains by tree ("hall-1/r1").
type About struct {
	Labels  map[string]string
	Domains map[string]string
}

// subject is a node with what is said of it.
type subject struct {
	*topology.Node
	about *About
}

// look reads one word's facts of a node.
type look func(s subject) []value

// words are the facts by the words of `tarsia diff` and of the batches.
var words = map[string]look{
	"architecture":     text("architecture", func(n *topology.Node) string { return strings.Replace(n.Architecture, "unknown", "", 1) }),
	"system":           text("system", func(n *topology.Node) string { return strings.TrimSpace(n.System.Vendor + " " + n.System.Product) }),
	"kernel":           text("kernel.release", func(n *topology.Node) string { return n.Kernel.Release }),
	"cpuKinds":         text("cpuKinds", cpuKinds),
	"isa.level":        text("isa.level", func(n *topology.Node) string { return n.ISA.Level }),
	"isa.extensions":   text("isa.extensions", func(n *topology.Node) string { return strings.Join(n.ISA.Extensions, " ") }),
	"isa.vendorVector": text("isa.vendorVector", vendorVector),
	"lockdown":         text("boot.lockdown", func(n *topology.Node) string { return n.Boot.Lockdown }),
	"efi":              truth("boot.efi", func(n *topology.Node) *bool { return n.Boot.EFI }),
	"secureBoot":       truth("boot.secureBoot", func(n *topology.Node) *bool { return n.Boot.SecureBoot }),
	"sigEnforce":       truth("boot.sigEnforce", func(n *topology.Node) *bool { return n.Boot.SigEnforce }),
	"onlineCPUs":       text("onlineCPUs", func(n *topology.Node) string { return n.OnlineCPUs.String() }),
	"packages":         count("packages", func(n *topology.Node) int { return n.Summary.Packages }),
	"cores":            count("cores", func(n *topology.Node) int { return n.Summary.Cores }),
	"threads":          count("onlineCPUs", func(n *topology.Node) int { return n.Summary.Threads }),
	"offlineCPUs":      countOrNone("offlineCPUs", func(n *topology.Node) int { return n.Summary.OfflineCPUs }),
	"numaNodes":        count("numaNodes", func(n *topology.Node) int { return n.Summary.NUMANodes }),
	"pciFunctions":     countOrNone("pci", func(n *topology.Node) int { return n.Summary.PCIFunctions }),
	"nics":             countOrNone("nics", physicalNICs),
	"memory":           text("memoryBytes", func(n *topology.Node) string { return gibibytes(n.Summary.MemoryBytes) }),
	"accelerators":     accelerators,

	"driver":               eachAccelerator("driverVersion", func(a *topology.Accelerator) string { return driver(a) }),
	"driverVersion":        eachAccelerator("driverVersion", func(a *topology.Accelerator) string { return a.DriverVersion }),
	"model":                eachAccelerator("model", func(a *topology.Accelerator) string { return model(a) }),
	"state":                state,
	"partitionMode":        eachAccelerator("partitionMode", func(a *topology.Accelerator) string { return cmp.Or(a.PartitionMode, "none") }),
	"partitions":           eachAccelerator("partitions", func(a *topology.Accelerator) string { return strconv.Itoa(len(a.Partitions)) }),
	"fabric":               eachAccelerator("fabric", fabric),
	"accelerator.memory":   eachAccelerator("memoryBytes", func(a *topology.Accelerator) string { return gibibytes(a.MemoryBytes) }),
	"accelerator.numaNode": eachAccelerator("numaNode", func(a *topology.Accelerator) string { return number(a.NUMANode) }),

	"nic.linkUp":    eachNIC("nic.linkUp", func(c *topology.NIC) string { return truthText(c.LinkUp) }),
	"nic.speedMbps": eachNIC("nic.speedMbps", func(c *topology.NIC) string { return number(c.SpeedMbps) }),
	"nic.numaNode":  eachNIC("numaNode", func(c *topology.NIC) string { return number(c.NUMANode) }),
}

// families are the words that go on behind a slash.
var families = map[string]func(rest string) look{
	"accelerators": func(vendor string) look {
		return countOrNone("pci", func(n *topology.Node) int {
			return len(slices.DeleteFunc(slices.Clone(n.Accelerators), func(a topology.Accelerator) bool { return a.Vendor != vendor }))
		})
	},
	"firmware":  firmware,
	"links":     links,
	"linkState": linkState,
	"parameter": parameter,
	"module":    module,
	"label": func(key string) look {
		return func(s subject) []value {
			if s.about == nil || s.about.Labels == nil {
				return []value{{topology.NodeRef, "", "no labels of this node were read"}}
			}
			return []value{{topology.NodeRef, cmp.Or(s.about.Labels[key], "not set"), ""}}
		}
	},
	"domain": func(tree string) look {
		return func(s subject) []value {
			if s.about != nil && s.about.Domains[tree] != "" {
				return []value{{topology.NodeRef, s.about.Domains[tree], ""}}
			}
			if ids := s.Domains(topology.LinkKind(tree)); len(ids) > 0 {
				var out []value
				for _, id := range ids {
					out = append(out, value{topology.NodeRef, id, ""})
				}
				return out
			}
			return []value{{topology.NodeRef, "", "no site file or label says it"}}
		}
	},
}

// Words lists the facts that an expectation may name, sorted; families end in a
// slash.
func Words() []string {
	out := slices.Collect(maps.Keys(words))
	for f := range families {
		out = append(out, f+"/")
	}
	slices.Sort(out)
	return out
}

func lookup(word string) (look, bool) {
	if l, ok := words[word]; ok {
		return l, true
	}
	family, rest, ok := strings.Cut(word, "/")
	if f := families[family]; ok && f != nil && rest != "" {
		return f(rest), true
	}
	return nil, false
}

// checkWord refuses a word that is no fact, and names the nearest one.
func checkWord(word string) error {
	if _, ok := lookup(word); ok {
		return nil
	}
	family, rest, slash := strings.Cut(word, "/")
	best, least := "", 4
	for _, w := range Words() {
		name := strings.TrimSuffix(w, "/")
		d := edit.Distance(strings.ToLower(family), strings.ToLower(name))
		if isFamily := name != w; isFamily != slash {
			d++
		}
		if d < least {
			best, least = w, d
		}
	}
	if strings.HasSuffix(best, "/") {
		best += cmp.Or(rest, "NAME")
	}
	if best != "" && best != word {
		return fmt.Errorf("found fact %q, which there is not; did you mean %s?", clip(word), clip(best))
	}
	return fmt.Errorf("found fact %q, want one of %s", clip(word), strings.Join(Words(), ", "))
}

func text(fact string, of func(*topology.Node) string) look {
	return func(s subject) []value { return []value{told(s.Node, topology.NodeRef, fact, of(s.Node))} }
}

func truth(fact string, of func(*topology.Node) *bool) look {
	return text(fact, func(n *topology.Node) string { return truthText(of(n)) })
}

// count is a number of which no machine has none: 0 is not known.
func count(fact string, of func(*topology.Node) int) look {
	return func(s subject) []value {
		if of(s.Node) == 0 {
			return []value{{topology.NodeRef, "", because(s.Node, topology.NodeRef, fact)}}
		}
		return countOrNone(fact, of)(s)
	}
}

// countOrNone is a number that may be 0, unless the node could not count to the
// end.
func countOrNone(fact string, of func(*topology.Node) int) look {
	return text(fact, func(n *topology.Node) string {
		if _, absent := n.AbsenceOf(topology.NodeRef, fact); absent {
			return ""
		}
		return strconv.Itoa(of(n))
	})
}

// told is a value, or why there is none: the absence that the node lists.
func told(n *topology.Node, object topology.Ref, fact, text string) value {
	if text != "" {
		return value{object, text, ""}
	}
	return value{object, "", because(n, object, fact)}
}

// because says why a fact is not known.
func because(n *topology.Node, object topology.Ref, fact string) string {
	i := slices.IndexFunc(n.Absences, func(a topology.Absence) bool {
		// What adds up over the parts of a node is missing where a part's is.
		return a.Fact == fact && (a.Object == object || object == topology.NodeRef && a.Object.Kind() == "numa")
	})
	if i < 0 {
		return "not told"
	}
	a := n.Absences[i]
	why := string(a.Kind) + ": " + a.Source
	if a.Detail != "" {
		why += " (" + a.Detail + ")"
	}
	return why
}

func cpuKinds(n *topology.Node) string {
	var kinds []string
	for _, k := range n.CPUKinds {
		kinds = append(kinds, k.Name)
	}
	return strings.Join(kinds, ", ")
}

func vendorVector(n *topology.Node) string {
	if len(n.ISA.Extensions) == 0 {
		return n.ISA.VendorVector
	}
	return cmp.Or(n.ISA.VendorVector, "none")
}

// physicalNICs counts ports; virtual functions are no ports of their own.
func physicalNICs(n *topology.Node) int {
	virtual := map[topology.Ref]bool{}
	for _, f := range n.PCI {
		if f.PhysFn != nil {
			virtual[topology.PCIRef(f.Address)] = true
		}
	}
	count := 0
	for _, c := range n.NICs {
		if !virtual[c.Device] {
			count++
		}
	}
	return count
}

// gibibytes rounds to 0.1 GiB, as topology.Diff does.
func gibibytes(v *int64) string {
	if v == nil {
		return ""
	}
	return strconv.FormatFloat(float64(*v)/(1<<30), 'f', 1, 64) + " GiB"
}

func number[T int | int64](v *T) string {
	if v == nil {
		return ""
	}
	return strconv.FormatInt(int64(*v), 10)
}

func truthText(v *bool) string {
	if v == nil {
		return ""
	}
	return strconv.FormatBool(*v)
}
