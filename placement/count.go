// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"fmt"
	"strings"
)

// maxPods bounds how many pods are counted on one node, for shapes that ask for
// next to nothing.
const maxPods = 1 << 20

// constraintNUMA is the word for "fits on the node, but in no single zone".
const constraintNUMA = "numa"

// fit counts how many pods of a shape still fit on a node and names what binds:
// the resource of which there is too little for one more, the node's kubelet,
// or resource claims.
func (u *Usage) fit(s *shape, node int) (pods int64, binds string) {
	pods, binds = u.fitResources(s, node)
	pods, binds = u.fitKubelet(s, node, pods, binds)
	return u.fitClaims(s, node, pods, binds)
}

func (u *Usage) fitResources(s *shape, node int) (pods int64, binds string) {
	pods, binds = maxPods, Pods
	row, a := node*len(u.f.res), u.ask(s, node)
	for _, n := range s.needs {
		have := u.free[row+int(n.res)]
		if grp := -1; a != nil {
			grp = u.f.groupOf(node, n.res)
			if grp >= 0 {
				continue
			}
		} else if grp = u.f.groupOf(node, n.res); grp >= 0 {
			have = min(have, int64(members(u.freeDevices(node, grp)))-u.unnamedDevices(node, grp))
		}
		if m := max(0, have/n.qty); m < pods {
			pods, binds = m, u.f.res[n.res]
		}
	}
	if len(s.Devices) > 0 || a != nil {
		return u.fitAsked(s, node, a, pods, binds)
	}
	if !s.AlignNUMA || pods == 0 {
		return pods, binds
	}
	var aligned int64
	for z := range u.f.zones(node) {
		aligned += u.zoneFit(s, node, z)
	}
	if aligned < pods {
		return aligned, constraintNUMA
	}
	return pods, binds
}

// zoneFit counts how many pods of an aligned shape fit into one NUMA zone. What
// lies nowhere known does not fit: a device without a zone, devices held by pods
// that do not say which, a node-bound resource that no zone lists.
func (u *Usage) zoneFit(s *shape, node, z int) int64 {
	if a := u.ask(s, node); a != nil {
		return u.zoneFitAsked(s, node, z, a)
	}
	pods := u.zoneRoom(s, node, z)
	for _, n := range s.needs {
		if grp := u.f.groupOf(node, n.res); grp >= 0 {
			if u.unnamedDevices(node, grp) > 0 {
				return 0
			}
			inZone := u.freeDevices(node, grp) & u.f.groups[node][grp].zone[z]
			pods = min(pods, int64(members(inZone))/n.qty)
		}
	}
	return pods
}

// zoneRoom is zoneFit by everything but the choice of devices.
func (u *Usage) zoneRoom(s *shape, node, z int) int64 {
	pods := int64(maxPods)
	row, zrow := node*len(u.f.res), u.f.zoneRow(node, z)
	for _, n := range s.needs {
		listed := u.f.zoned[row+int(n.res)]
		if listed {
			pods = min(pods, max(0, u.zone[zrow+int(n.res)]/n.qty))
		}
		if !listed && !n.spread && u.f.groupOf(node, n.res) < 0 {
			return 0
		}
	}
	return pods
}

// lacks says what keeps one more pod of a shape off a node.
func (u *Usage) lacks(s *shape, node int) lack {
	n := &u.f.nodes[node]
	if l, blocked := s.standing(n); blocked {
		return l
	}
	_, binds := u.fit(s, node)
	return u.lacksRoom(s, node, binds)
}

// lacksRoom says what of a constraint that binds is there, and what is wanted.
func (u *Usage) lacksRoom(s *shape, node int, binds string) lack {
	switch binds {
	case constraintDevices:
		return u.lacksDevices(s, node)
	case constraintNUMA:
		return u.lacksZone(s, node)
	case constraintKubelet:
		return u.lacksKubelet(s, node)
	case constraintClaims:
		return u.lacksClaims(s, node)
	}
	return lack{binds, u.wanted(s, binds), u.foundOnNode(node, binds)}
}

func (u *Usage) wanted(s *shape, resource string) string {
	if _, said := s.Requests[resource]; !said {
		return "1 a pod"
	}
	return amount(resource, s.Requests[resource]) + " a pod"
}

// foundOnNode says how much of a resource is free, and where the rest is.
func (u *Usage) foundOnNode(node int, resource string) string {
	res, known := u.f.resIndex[resource]
	if !known {
		return "none"
	}
	row := node*len(u.f.res) + int(res)
	grp := u.f.groupOf(node, res)
	if u.f.alloc[row] == 0 && grp < 0 {
		return "the node has none"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s free of %s", amount(resource, u.freeOf(node, res)), amount(resource, u.f.alloc[row]))
	if grp < 0 {
		return b.String()
	}
	for _, at := range u.f.groups[node][grp].device {
		if d := u.f.nodes[node].Devices[at]; d.Unusable != "" {
			fmt.Fprintf(&b, "; %s unusable: %s", d.ID, d.Unusable)
		}
	}
	return b.String()
}

// lacksZone says why a pod fits on the node but in no single NUMA zone of it.
func (u *Usage) lacksZone(s *shape, node int) lack {
	var want []string
	for _, n := range s.needs {
		if !n.spread {
			want = append(want, amount(u.f.res[n.res], n.qty)+" "+u.f.res[n.res])
		}
	}
	l := lack{constraintNUMA, strings.Join(want, ", ") + " in one NUMA zone", ""}
	if u.f.zones(node) == 0 {
		l.found = "its NUMA zones are not known"
		return l
	}
	row := node * len(u.f.res)
	for _, n := range s.needs {
		name, grp := u.f.res[n.res], u.f.groupOf(node, n.res)
		if n.spread {
			continue
		}
		if grp < 0 && !u.f.zoned[row+int(n.res)] {
			l.found = "the NUMA zones of " + name + " are not known"
			return l
		}
		if grp >= 0 && u.unnamedDevices(node, grp) > 0 {
			l.found = fmt.Sprintf("%d %s are held by pods that do not say which", u.unnamedDevices(node, grp), name)
			return l
		}
	}
	var parts []string
	for _, n := range s.needs {
		if !n.spread {
			parts = append(parts, u.foundInZones(node, n.res))
		}
	}
	l.found = strings.Join(parts, "; ")
	return l
}

// foundInZones says how a resource is spread: "4 nvidia.com/gpu free, 2 per
// zone", or "3 nvidia.com/gpu free, 2 in zone 0, 1 in zone 1".
func (u *Usage) foundInZones(node int, res int32) string {
	name, grp := u.f.res[res], u.f.groupOf(node, res)
	free := max(0, u.free[node*len(u.f.res)+int(res)])
	var devices, placed uint64
	if grp >= 0 {
		devices = u.freeDevices(node, grp)
		free = int64(members(devices))
	}
	each := make([]int64, u.f.zones(node))
	even := len(each) > 1
	for z := range each {
		if grp >= 0 {
			placed |= u.f.groups[node][grp].zone[z]
			each[z] = int64(members(devices & u.f.groups[node][grp].zone[z]))
		} else {
			each[z] = max(0, u.zone[u.f.zoneRow(node, z)+int(res)])
		}
		even = even && each[z] == each[0]
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s free", amount(name, free), name)
	if even {
		fmt.Fprintf(&b, ", %s per zone", amount(name, each[0]))
	} else {
		for z, have := range each {
			fmt.Fprintf(&b, ", %s in zone %d", amount(name, have), u.f.nodes[node].Zones[z].ID)
		}
	}
	if lost := members(devices &^ placed); lost > 0 {
		fmt.Fprintf(&b, ", %d of unknown NUMA zone", lost)
	}
	return b.String()
}
