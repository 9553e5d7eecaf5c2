// SPDX-License-Identifier: Apache-2.0

package expect

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"tarsia.dev/tarsia/topology"
)

// none is the value of a device's fact on a node that has no such device.
const none = "none"

// devicesKnown tells whether the node could say which devices it has; otherwise
// it returns why not.
func devicesKnown(n *topology.Node) (why string, ok bool) {
	if _, absent := n.AbsenceOf(topology.NodeRef, "pci"); absent {
		return because(n, topology.NodeRef, "pci"), false
	}
	return "", true
}

// accelerators says how many of each vendor there are, as the batches do: "8
// nvidia".
func accelerators(s subject) []value {
	counted := map[string]int{}
	for _, a := range s.Accelerators {
		counted[a.Vendor]++
	}
	var parts []string
	for _, v := range slices.Sorted(maps.Keys(counted)) {
		parts = append(parts, strconv.Itoa(counted[v])+" "+v)
	}
	if len(parts) > 0 {
		return []value{{topology.NodeRef, strings.Join(parts, ", "), ""}}
	}
	if why, ok := devicesKnown(s.Node); !ok {
		return []value{{topology.NodeRef, "", why}}
	}
	return []value{{topology.NodeRef, topology.NoAccelerators, ""}}
}

// eachAccelerator reads a fact of every accelerator. A lost one is as little as
// expected as one of another value, and one that nobody could ask is not known.
func eachAccelerator(fact string, of func(*topology.Accelerator) string) look {
	return func(s subject) []value {
		var out []value
		for i := range s.Accelerators {
			a := &s.Accelerators[i]
			if a.State == topology.DeviceLost {
				out = append(out, value{a.ID, string(topology.DeviceLost), ""})
				continue
			}
			out = append(out, told(s.Node, a.ID, fact, of(a)))
		}
		if len(out) > 0 {
			return out
		}
		if why, ok := devicesKnown(s.Node); !ok {
			return []value{{topology.NodeRef, "", why}}
		}
		return []value{{topology.NodeRef, none, ""}}
	}
}

// state is whether accelerators answer; "unknown" is no answer.
func state(s subject) []value {
	return eachAccelerator("state", func(a *topology.Accelerator) string {
		if a.State == topology.DeviceUnknown {
			return ""
		}
		return string(a.State)
	})(s)
}

func driver(a *topology.Accelerator) string {
	if a.DriverVersion == "" {
		return ""
	}
	return strings.TrimSpace(a.Driver + " " + a.DriverVersion)
}

func model(a *topology.Accelerator) string {
	if a.Model == "" {
		return ""
	}
	return strings.TrimSpace(a.Vendor + " " + a.Model)
}

// fabric is how far an accelerator has joined its fabric; in which domain is the
// word domain/nvlink.
func fabric(a *topology.Accelerator) string {
	if a.Fabric == nil {
		return none
	}
	return a.Fabric.State
}

func eachNIC(fact string, of func(*topology.NIC) string) look {
	return func(s subject) []value {
		var out []value
		for i := range s.NICs {
			out = append(out, told(s.Node, cmp.Or(s.NICs[i].Device, topology.Ref("nic/"+s.NICs[i].Name)), fact, of(&s.NICs[i])))
		}
		if len(out) > 0 {
			return out
		}
		if _, absent := s.AbsenceOf(topology.NodeRef, "nics"); absent {
			return []value{{topology.NodeRef, "", because(s.Node, topology.NodeRef, "nics")}}
		}
		return []value{{topology.NodeRef, none, ""}}
	}
}

// machineFirmware are the components that the board and the processors have; all
// others are of devices.
var machineFirmware = []string{"bios", topology.Microcode}

// firmware reads the version of a component wherever the node has it. An
// accelerator that answers and does not tell is not known: which of its kinds
// have the component is not recorded, so one told version of the same kind says
// that the others should tell it too.
func firmware(component string) look {
	return func(s subject) []value {
		var out []value
		spoke := map[topology.Ref]bool{}
		groups := map[string]bool{}
		for _, f := range s.Firmware {
			if f.Component == component {
				object := cmp.Or(f.Device, topology.NodeRef)
				spoke[object] = true
				out = append(out, told(s.Node, object, "firmware."+component, f.Version))
			}
		}
		if slices.Contains(machineFirmware, component) {
			if !spoke[topology.NodeRef] {
				out = append(out, value{topology.NodeRef, "", because(s.Node, topology.NodeRef, "firmware."+component)})
			}
			return out
		}
		for _, a := range s.Accelerators {
			if spoke[a.ID] {
				groups[s.AcceleratorGroup(a)] = true
			}
		}
		for _, a := range s.Accelerators {
			switch {
			case spoke[a.ID] || len(groups) > 0 && a.State != topology.DeviceLost && !groups[s.AcceleratorGroup(a)]:
			case a.State == topology.DeviceLost:
				out = append(out, value{a.ID, string(topology.DeviceLost), ""})
			default:
				out = append(out, value{a.ID, "", because(s.Node, a.ID, "firmware."+component)})
			}
		}
		if len(out) > 0 {
			return out
		}
		if why, ok := devicesKnown(s.Node); !ok {
			return []value{{topology.NodeRef, "", why}}
		}
		return []value{{topology.NodeRef, none, ""}}
	}
}

// toldBy are the absences that leave the links of a kind unknown.
var toldBy = map[topology.LinkKind][]string{
	topology.LinkNVLink: {"nvml"},
	topology.LinkC2C:    {"nvml"},
	topology.LinkXGMI:   {"kfd"},
}

// links reads how many lanes each accelerator could have on its links of a kind,
// as the batches do: "18 lanes".
func links(kind string) look {
	return func(s subject) []value {
		lanes, unknown := map[topology.Ref]int{}, map[topology.Ref]bool{}
		for _, l := range s.Links {
			if string(l.Kind) != kind {
				continue
			}
			for _, end := range []topology.Ref{l.A, l.B} {
				if l.MaxLanes == nil {
					unknown[end] = true
				} else {
					lanes[end] += *l.MaxLanes
				}
			}
		}
		return eachAccelerator("links", func(a *topology.Accelerator) string {
			switch {
			case unknown[a.ID]:
				return ""
			case lanes[a.ID] > 0:
				return strconv.Itoa(lanes[a.ID]) + " lanes"
			case a.State != topology.DeviceOK:
				return ""
			}
			for _, fact := range toldBy[topology.LinkKind(kind)] {
				if _, absent := s.AbsenceOf(topology.NodeRef, fact); absent {
					return ""
				}
			}
			return none
		})(s)
	}
}

// linkState reads the state of every link of a kind.
func linkState(kind string) look {
	return func(s subject) []value {
		var out []value
		for _, l := range s.Links {
			if string(l.Kind) != kind {
				continue
			}
			object := topology.Ref(fmt.Sprintf("%s/%s~%s", l.Kind, l.A, l.B))
			if l.State == topology.LinkStateUnknown {
				out = append(out, value{object, "", "the link's state is not told by " + cmp.Or(l.Source, "the machine")})
				continue
			}
			out = append(out, value{object, string(l.State), ""})
		}
		if len(out) > 0 {
			return out
		}
		for _, fact := range append([]string{"pci"}, toldBy[topology.LinkKind(kind)]...) {
			if _, absent := s.AbsenceOf(topology.NodeRef, fact); absent {
				return []value{{topology.NodeRef, "", because(s.Node, topology.NodeRef, fact)}}
			}
		}
		return []value{{topology.NodeRef, none, ""}}
	}
}

// parameter reads the kernel command line. Only parameters that bear on hardware
// are kept of it.
func parameter(name string) look {
	return func(s subject) []value {
		if _, absent := s.AbsenceOf(topology.NodeRef, "kernel.parameters"); absent {
			return []value{{topology.NodeRef, "", because(s.Node, topology.NodeRef, "kernel.parameters")}}
		}
		v, ok := s.Kernel.Parameters[name]
		if !ok {
			return []value{{topology.NodeRef, "not set", ""}}
		}
		return []value{{topology.NodeRef, cmp.Or(v, "set"), ""}}
	}
}

// module reads the version of a loaded module.
func module(name string) look {
	return func(s subject) []value {
		for _, m := range s.Modules {
			if m.Name == name {
				return []value{{topology.Ref("module/" + name), cmp.Or(m.Version, "the kernel's"), ""}}
			}
		}
		if _, absent := s.AbsenceOf(topology.NodeRef, "modules"); absent {
			return []value{{topology.NodeRef, "", because(s.Node, topology.NodeRef, "modules")}}
		}
		return []value{{topology.NodeRef, "not loaded", ""}}
	}
}
