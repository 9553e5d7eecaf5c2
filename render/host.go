// SPDX-License-Identifier: Apache-2.0

package render

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"tarsia.dev/tarsia/cpuset"
	"tarsia.dev/tarsia/machine"
)

// Machine renders one machine. The name goes into hostname and into what must
// differ from machine to machine, such as GPU UUIDs. Facts that ParseFacts
// would refuse give an error.
func Machine(name string, facts Facts) (*machine.Files, error) {
	h, err := newHost(name, facts)
	if err != nil {
		return nil, fmt.Errorf("lay out machine %q: %w", name, err)
	}
	o := &out{files: machine.NewFiles()}
	h.writeSystem(o)
	h.writeBoot(o)
	h.writeCPUs(o)
	h.writeCPUInfo(o)
	h.writeMemory(o)
	h.writePCI(o)
	h.writePlatform(o)
	h.writeNetwork(o)
	h.writeNVIDIA(o)
	h.writeAMD(o)
	if o.err != nil {
		return nil, fmt.Errorf("render machine %q: %w", name, o.err)
	}
	return o.files, nil
}

// out gathers files and keeps the first error, so that the writers below read
// as lists of files.
type out struct {
	files *machine.Files
	err   error
}

// file adds a file with a line of text; the kernel ends each with a newline.
func (o *out) file(name, line string) { o.data(name, []byte(line+"\n")) }

// fact adds a file that is there only if there is something to say.
func (o *out) fact(name, line string) {
	if line != "" {
		o.file(name, line)
	}
}

func (o *out) data(name string, data []byte) {
	if o.err == nil {
		o.err = o.files.AddFile(name, data)
	}
}

func (o *out) link(name, target string) {
	if o.err == nil {
		o.err = o.files.AddLink(name, target)
	}
}

func (o *out) dir(name string) {
	if o.err == nil {
		o.err = o.files.AddDir(name)
	}
}

// host is a machine laid out: every CPU, NUMA node and PCI function with its
// number, before anything is written.
type host struct {
	name      string
	facts     Facts
	cpus      int        // logical CPUs in all
	nodes     []numaNode // by id; those with CPUs first
	functions []*function
	gpus      []*function // in the order of their addresses
	vbios     string      // of the GPUs
	nets      []netDevice // in the order of functions, then platform devices
}

// numaNode is one NUMA node.
type numaNode struct {
	cpus   cpuset.Set
	memory Size
}

func newHost(name string, facts Facts) (*host, error) {
	h := &host{name: name, facts: facts}
	c := facts.CPU
	h.cpus = c.Packages * c.Cores * c.Threads
	if h.cpus < 1 || h.cpus > maxCPUs || c.NodesPerPackage < 1 {
		return nil, fmt.Errorf("found %d CPUs, want 1 to %d; facts come from ParseFacts", h.cpus, maxCPUs)
	}
	h.layNodes()
	if err := h.layPCI(); err != nil {
		return nil, err
	}
	h.layGPUs()
	if len(h.nodes) > maxNodes {
		return nil, fmt.Errorf("found %d NUMA nodes, want at most %d", len(h.nodes), maxNodes)
	}
	if len(h.gpus) > maxGPUs {
		return nil, fmt.Errorf("found %d GPUs, want at most %d", len(h.gpus), maxGPUs)
	}
	if err := h.layNets(); err != nil {
		return nil, err
	}
	return h, h.breakDown()
}

// cpu is the number of a logical CPU.
func (h *host) cpu(pkg, core, thread int) int {
	c := h.facts.CPU
	return (thread*c.Packages+pkg)*c.Cores + core
}

// cores is the CPUs of count cores from first in a package.
func (h *host) cores(pkg, first, count int) cpuset.Set {
	var s cpuset.Set
	for t := range h.facts.CPU.Threads {
		s = s.Or(cpuset.Range(h.cpu(pkg, first, t), h.cpu(pkg, min(first+count, h.facts.CPU.Cores)-1, t)))
	}
	return s
}

// layNodes shares the cores of each package out among its nodes.
func (h *host) layNodes() {
	c := h.facts.CPU
	per := c.Cores / c.NodesPerPackage
	for pkg := range c.Packages {
		for i := range c.NodesPerPackage {
			h.nodes = append(h.nodes, numaNode{h.cores(pkg, i*per, per), h.facts.Memory.PerNode})
		}
	}
}

// layGPUs finds the GPUs and gives their memory NUMA nodes, as Linux does for
// memory that is hot-plugged: each GPU has a run of possible nodes, of which
// the first holds all of its memory.
func (h *host) layGPUs() {
	n, a := h.facts.NVIDIA, h.facts.AMD
	for _, fn := range h.functions {
		if fn.vfOf != nil || !(n != nil && fn.kind == n.Device || a != nil && fn.kind == a.Device) {
			continue
		}
		fn.isGPU = true
		fn.index = len(h.gpus)
		h.gpus = append(h.gpus, fn)
		if n == nil || n.MemoryNodes == 0 || fn.kind != n.Device {
			continue
		}
		fn.memoryNode = len(h.nodes)
		for i := range n.MemoryNodes {
			node := numaNode{}
			if i == 0 {
				node.memory = n.Memory
			}
			h.nodes = append(h.nodes, node)
		}
	}
	switch {
	case n != nil:
		h.vbios = n.VBIOS
	case a != nil:
		h.vbios = a.VBIOS
	}
}

// all is every CPU of the machine.
func (h *host) all() cpuset.Set { return cpuset.Range(0, h.cpus-1) }

// packageOf is the package of a NUMA node with CPUs.
func (h *host) packageOf(node int) int { return node / h.facts.CPU.NodesPerPackage }

// digest is sixteen bytes that follow from the machine's name and a text: what
// hardware gets at random, and what must be equal each time.
func (h *host) digest(text string, index int) []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "tarsia demo\x00%s\x00%s\x00%d", h.name, text, index))
	return sum[:16]
}

// uuid is a digest in the form of a random UUID (RFC 9562, section 5.4).
func (h *host) uuid(text string, index int) string {
	d := h.digest(text, index)
	d[6] = d[6]&0x0f | 0x40
	d[8] = d[8]&0x3f | 0x80
	s := hex.EncodeToString(d)
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}
