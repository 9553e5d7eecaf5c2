// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"tarsia.dev/tarsia/nvml"
	"tarsia.dev/tarsia/topology"
)

// nvSwitches stands for the NVSwitches of this machine when they hide their
// addresses, as they do from containers and on machines whose fabric is managed
// elsewhere.
const nvSwitches topology.Ref = "nvswitch/local"

// pair is two ends, A before B.
type pair struct{ a, b topology.Ref }

func makePair(x, y topology.Ref) pair {
	if topology.CompareRefs(x, y) > 0 {
		return pair{y, x}
	}
	return pair{x, y}
}

func (p pair) compare(q pair) int {
	return cmp.Or(topology.CompareRefs(p.a, q.a), topology.CompareRefs(p.b, q.b))
}

func (p pair) other(r topology.Ref) topology.Ref {
	if r == p.a {
		return p.b
	}
	return p.a
}

// bundle is what one end says of its links to the other.
type bundle struct {
	up, all, untold int
	down            []int  // indices
	speed           *int64 // MB/s of one link
}

// nvlinks adds one Link per pair of ends from the answers of NVML. What both of
// two GPUs report is one link, and where they disagree the worse counts.
func (d *devices) nvlinks() {
	if d.nvml == nil {
		return
	}
	common := d.commonRemote()
	sides := map[pair]map[topology.Ref]*bundle{} // by pair, then by the end that speaks
	for i := range d.nvml.Devices {
		dev := &d.nvml.Devices[i]
		id := deviceRef(dev)
		own := onlyRemote(dev)
		for j := range dev.NVLinks {
			l := &dev.NVLinks[j]
			remote := cmp.Or(remoteOf(l), own, common)
			if remote == "" || remote == id {
				d.unknown(id, "links", nvml.Path, fmt.Sprintf("far end of NVLink %d: %q", l.Link, l.RemoteBusID))
				continue
			}
			p := makePair(id, remote)
			if sides[p] == nil {
				sides[p] = map[topology.Ref]*bundle{}
			}
			if sides[p][id] == nil {
				sides[p][id] = &bundle{}
			}
			sides[p][id].add(l)
		}
	}
	for _, p := range slices.SortedFunc(maps.Keys(sides), pair.compare) {
		d.n.Links = append(d.n.Links, d.nvlink(p, sides[p][p.a], sides[p][p.b]))
	}
}

func (b *bundle) add(l *nvml.Link) {
	b.all++
	switch {
	case l.State == nil:
		b.untold++
	case *l.State == 1:
		b.up++
	default:
		b.down = append(b.down, l.Link)
	}
	if l.SpeedMBps != nil && *l.SpeedMBps > 0 && (b.speed == nil || *l.SpeedMBps > *b.speed) {
		b.speed = l.SpeedMBps
	}
}

// remoteOf names the far end of a link, "" when NVML told none.
func remoteOf(l *nvml.Link) topology.Ref {
	if !l.Hidden() {
		if a, err := nvml.ParseBusID(l.RemoteBusID); err == nil {
			return topology.PCIRef(a)
		}
	}
	if l.RemoteBusID != "" || l.RemoteDevice == "SWITCH" {
		return nvSwitches
	}
	return ""
}

// onlyRemote is where all links of a device lead whose far end is told, "" when
// that is not one place. A link that is down often tells no far end.
func onlyRemote(dev *nvml.Device) topology.Ref {
	var only topology.Ref
	for j := range dev.NVLinks {
		switch r := remoteOf(&dev.NVLinks[j]); {
		case r == "":
		case only == "":
			only = r
		case r != only:
			return ""
		}
	}
	return only
}

// commonRemote is the switch that all links of all devices lead to, "" when
// there is no such one: it takes in a device all of whose links are down.
func (d *devices) commonRemote() topology.Ref {
	var common topology.Ref
	for i := range d.nvml.Devices {
		dev := &d.nvml.Devices[i]
		if len(dev.NVLinks) == 0 {
			continue
		}
		r := onlyRemote(dev)
		if r == "" && slices.ContainsFunc(dev.NVLinks, func(l nvml.Link) bool { return remoteOf(&l) != "" }) {
			return ""
		}
		if r == "" {
			continue
		}
		if common != "" && r != common || d.accelerator(r) != nil {
			return ""
		}
		common = r
	}
	return common
}

// nvlink joins what the ends say; either may be nil.
func (d *devices) nvlink(p pair, a, b *bundle) topology.Link {
	l := topology.Link{Kind: topology.LinkNVLink, A: p.a, B: p.b, Source: nvml.Path, State: topology.LinkStateUnknown}
	up, all, untold := -1, 0, 0
	var speed *int64
	for _, side := range []*bundle{a, b} {
		if side == nil {
			continue
		}
		if up < 0 || side.up+side.untold < up {
			up = side.up + side.untold
		}
		all, untold = max(all, side.all), max(untold, side.untold)
		if speed == nil || side.speed != nil && *side.speed < *speed {
			speed = cmp.Or(side.speed, speed)
		}
	}
	if a != nil {
		l.DownLanes = a.down
	} else { // a switch or a lost GPU does not speak
		l.DownLanes = b.down
	}
	slices.Sort(l.DownLanes)
	l.MaxLanes = new(all)
	switch {
	case up < all:
		l.State = bundleState(up, all)
	case untold == 0:
		l.State = topology.LinkUp
	default:
		speaker := p.a
		if a == nil || a.untold == 0 {
			speaker = p.b
		}
		d.unknown(speaker, "link", nvml.Path, fmt.Sprintf("NVLink state of %d of %d links to %s", untold, all, p.other(speaker)))
	}
	if untold == 0 {
		l.Lanes = new(up)
	}
	l.BytesPerSecond, l.MaxBytesPerSecond = bundleRate(speed, l.Lanes), bundleRate(speed, l.MaxLanes)
	return l
}
