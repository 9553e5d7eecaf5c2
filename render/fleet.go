// SPDX-License-Identifier: Apache-2.0

package render

import (
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"tarsia.dev/tarsia/machine"
)

// Fleet is machines, where they stand, what the site runs on them, and what is
// broken. Machines in a fleet file are rendered each under its own name.
type Fleet struct {
	Name   string  `yaml:"name"`
	Nodes  []Node  `yaml:"nodes"`
	Faults []Fault `yaml:"faults"`
	Images []Image `yaml:"images"`
}

// Node is one or several machines of a kind.
type Node struct {
	Names   string              `yaml:"names"`   // "cpu-[01-06]", or one name
	Machine string              `yaml:"machine"` // fact file beside the fleet file
	Places  map[string][]string `yaml:"places"`  // domain path by tree, outermost first
	Fabric  *Fabric             `yaml:"fabric"`  // instead of the fact file's

	names []string
	facts Facts
}

// Image is a container image that the site runs.
type Image struct {
	Reference string   `yaml:"reference"`
	Platforms []string `yaml:"platforms"`
	UsedBy    []string `yaml:"usedBy"`
}

// maxHosts bounds a fleet.
const maxHosts = 1000

// ParseFleet reads a fleet file and the fact files that it names, which lie
// beside it in fsys. Errors begin "file:LINE: ".
func ParseFleet(fsys fs.FS, file string) (*Fleet, error) {
	data, err := fs.ReadFile(fsys, file)
	if err != nil {
		return nil, fmt.Errorf("read fleet file: %w", err)
	}
	f := &Fleet{}
	doc, err := decode(file, data, f)
	if err != nil {
		return nil, err
	}
	p := problems{doc: doc}
	machines := map[string]Facts{}
	seen := map[string]bool{}
	p.name("name", f.Name)
	for i := range f.Nodes {
		n := &f.Nodes[i]
		at := fmt.Sprintf("nodes.%d", i)
		p.nodeNames(at+".names", n, seen)
		if !isName(n.Machine) {
			p.add(at+".machine", "found %q, want a fact file beside this one", clip(n.Machine))
			continue
		}
		facts, ok := machines[n.Machine]
		if !ok {
			name := path.Join(path.Dir(file), n.Machine)
			data, err := fs.ReadFile(fsys, name)
			if err != nil {
				p.add(at+".machine", "%v", err)
				continue
			}
			if facts, err = ParseFacts(name, data); err != nil {
				return nil, err
			}
			machines[n.Machine] = facts
		}
		p.override(at, n, facts)
	}
	p.site(f)
	for i := range f.Faults {
		at := fmt.Sprintf("faults.%d", i)
		p.fault(at, &f.Faults[i])
		names, err := expand(f.Faults[i].Node)
		if err != nil {
			p.add(at+".node", "%v", err)
		}
		for _, name := range names {
			p.faulty(at, name, f)
		}
	}
	if err := p.err(); err != nil {
		return nil, err
	}
	return f, nil
}

// faulty wants a fault to be possible on the machine.
func (p *problems) faulty(at, name string, f *Fleet) {
	i := f.nodeOf(name)
	if i < 0 {
		p.add(at+".node", "found no machine %q in this fleet", name)
		return
	}
	if len(p.list) > 0 {
		return // the machine itself may be at fault
	}
	if _, err := newHost(name, f.factsOf(f.Nodes[i], name)); err != nil {
		p.add(at, "%v", err)
	}
}

func (p *problems) nodeNames(at string, n *Node, seen map[string]bool) {
	names, err := expand(n.Names)
	if err != nil {
		p.add(at, "%v", err)
	}
	for _, name := range names {
		if seen[name] {
			p.add(at, "found machine %q twice", name)
		}
		seen[name] = true
	}
	if len(seen) > maxHosts {
		p.add(at, "found more than %d machines", maxHosts)
	}
	n.names = names
}

// override puts what the fleet file says of a machine into its facts.
func (p *problems) override(at string, n *Node, facts Facts) {
	n.facts = facts
	if n.Fabric == nil {
		return
	}
	p.fabric(at+".fabric", n.Fabric)
	if facts.NVIDIA == nil {
		p.add(at+".fabric", "found it on %q, want a machine with nvidia GPUs", n.Machine)
		return
	}
	nvidia := *facts.NVIDIA
	nvidia.Fabric = n.Fabric
	n.facts.NVIDIA = &nvidia
}

// Snapshot renders every machine, in the order of their names, and the site.
// Faults and Images may be changed before: the machines follow.
func (f *Fleet) Snapshot() (*machine.Snapshot, error) {
	if err := f.checkFaults(); err != nil {
		return nil, err
	}
	s := &machine.Snapshot{Site: f.site()}
	for _, n := range f.Nodes {
		for _, name := range n.names {
			files, err := Machine(name, f.factsOf(n, name))
			if err != nil {
				return nil, err
			}
			s.Hosts = append(s.Hosts, machine.Host{Name: name, Files: files})
		}
	}
	slices.SortFunc(s.Hosts, func(a, b machine.Host) int { return cmp.Compare(a.Name, b.Name) })
	return s, nil
}

// checkFaults wants every fault to name machines of the fleet.
func (f *Fleet) checkFaults() error {
	for _, fault := range f.Faults {
		names, err := expand(fault.Node)
		if err != nil {
			return fmt.Errorf("place fault %q: %w", fault.Kind, err)
		}
		for _, name := range names {
			if f.nodeOf(name) < 0 {
				return fmt.Errorf("place fault %q: found no machine %q in this fleet", fault.Kind, name)
			}
		}
	}
	return nil
}

// nodeOf is the index of the entry that a machine comes from, -1 for none.
func (f *Fleet) nodeOf(name string) int {
	return slices.IndexFunc(f.Nodes, func(n Node) bool { return slices.Contains(n.names, name) })
}

// factsOf is the facts of a machine with those faults that name it.
func (f *Fleet) factsOf(n Node, name string) Facts {
	facts := n.facts
	facts.Faults = slices.Clone(facts.Faults)
	for _, fault := range f.Faults {
		if names, err := expand(fault.Node); err == nil && slices.Contains(names, name) {
			facts.Faults = append(facts.Faults, fault)
		}
	}
	return facts
}
