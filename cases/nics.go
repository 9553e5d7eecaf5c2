// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"tarsia.dev/tarsia/device"
	"tarsia.dev/tarsia/placement"
)

// Names of what a typed device has, of which shares are given.
const (
	gpuCore   = "koordinator.sh/gpu-core"
	gpuMemory = "koordinator.sh/gpu-memory-ratio"
	nicShare  = "koordinator.sh/rdma"
)

// The types of devices, which name the resources as well.
const (
	typeGPU = "gpu"
	typeNIC = "rdma"
)

// joint answers requests for GPUs and NICs of a node: partitions, shares,
// virtual functions, devices near one another.
func (c *Case) joint(ctx context.Context) (Answer, error) {
	if c.Kind == "device-template" {
		return Answer{}, unsupported("devices are cut by templates, and the case does not say what a template holds")
	}
	w, err := c.newWorld(ctx, participation{}, typedDevices)
	if err != nil {
		return Answer{}, err
	}
	for _, n := range c.Cluster.Nodes {
		if err := w.bookDevices(n); err != nil {
			return Answer{}, err
		}
	}
	var a Answer
	for i := range c.Requests {
		res, err := w.chooseJoint(ctx, &c.Requests[i])
		if err != nil {
			res = refusal(c.Requests[i].Name, err)
		}
		a.Results = append(a.Results, res)
	}
	return a, nil
}

// typedDevices gives a node the devices that are known by type and minor
// number.
func typedDevices(out *placement.Node, n node) error {
	if n.Devices == nil {
		return nil
	}
	for i := range n.Devices.List {
		x := &n.Devices.List[i]
		if x.Minor == nil {
			return unsupported("a device of type %q has no minor number", x.Type)
		}
		d := placement.Device{ID: typedID(x.Type, *x.Minor), Resource: x.Type, Auxiliary: x.Type != typeGPU, Zone: x.NUMA, Socket: x.Socket, PCIe: x.PCIe}
		if !x.Healthy {
			d.Unusable = "not healthy"
		}
		if x.Type == typeGPU {
			d.Module = x.Minor
		}
		d.Capacity = device.Amounts{}
		for name, v := range x.Resources {
			if v > 0 {
				d.Capacity[name] = int64(v / whole)
			}
		}
		for _, g := range x.VFGroups {
			for _, vf := range g.VFs {
				d.Functions = append(d.Functions, device.Function{ID: vf, Labels: g.Labels})
			}
		}
		out.Devices = append(out.Devices, d)
		out.Zones = withZone(out.Zones, x.NUMA)
		out.Allocatable[x.Type]++
	}
	out.Partitions = n.Devices.PartitionTable.sets()
	return nil
}

// typedID is the id of a device: a GPU is known by its number alone.
func typedID(kind string, minor int) string {
	if kind == typeGPU {
		return strconv.Itoa(minor)
	}
	return fmt.Sprintf("%s:%d", kind, minor)
}

// bookDevices books what is held of the devices of a node.
func (w *world) bookDevices(n node) error {
	if n.Devices == nil {
		return nil
	}
	for kind := range sorted(n.Devices.Allocated) {
		for _, row := range n.Devices.Allocated[kind] {
			at := slices.IndexFunc(n.Devices.List, func(x listed) bool { return x.Type == kind && x.Minor != nil && *x.Minor == row.Minor })
			if at < 0 {
				return invalid("device %s is held and not on node %q", typedID(kind, row.Minor), n.Name)
			}
			parts := heldParts(kind, row, n.Devices.List[at].Resources)
			if err := w.run(placement.Running{Name: "holder of " + typedID(kind, row.Minor), Node: n.Name, Devices: parts}); err != nil {
				return err
			}
		}
	}
	return nil
}

// heldParts names what somebody holds of a device: all of it, virtual functions
// with a share, or a share.
func heldParts(kind string, row allocated, all amounts) []string {
	share := device.Amounts{}
	full := len(row.Resources) > 0
	for name, has := range all {
		held := row.Resources[name]
		full = full && held >= has
		if held > 0 {
			share[name] = int64(held / whole)
		}
	}
	var parts []string
	for i, vf := range row.VFs {
		p := device.Part{ID: vf}
		if i == 0 {
			p.Share = share
		}
		parts = append(parts, p.String())
	}
	switch {
	case len(parts) > 0:
	case full:
		parts = []string{device.Part{ID: typedID(kind, row.Minor)}.String()}
	case len(share) > 0:
		parts = []string{device.Part{ID: typedID(kind, row.Minor), Share: share}.String()}
	}
	return parts
}

func (w *world) chooseJoint(ctx context.Context, r *request) (Result, error) {
	asks, err := w.asks(r)
	if err != nil {
		return Result{}, err
	}
	shape, err := w.shape(r)
	if err != nil {
		return Result{}, err
	}
	shape.Devices = asks
	d, err := w.placeOne(ctx, r.Name, shape)
	if err != nil {
		return Result{}, err
	}
	res := outcomeOf(r.Name, d)
	if d.Outcome == placement.Placed {
		res.Placements = spots(d, func(placement.Assignment) bool { return true }, nil)
		err = nameDevices(res.Placements, d, numberOf)
	}
	return res, err
}

// asks are the demands of a request for GPUs and NICs.
func (w *world) asks(r *request) ([]device.Request, error) {
	counts := map[string]int{}
	if len(r.Devices) > 0 {
		if err := json.Unmarshal(r.Devices, &counts); err != nil {
			return nil, unsupported("request %q asks for devices %s, want a number by type", r.Name, cut(string(r.Devices)))
		}
	}
	for kind := range sorted(counts) {
		if kind != typeGPU && kind != typeNIC {
			return nil, unsupported("request %q asks for devices of type %q", r.Name, kind)
		}
	}
	if counts[typeGPU] < 0 || counts[typeNIC] < 0 || counts[typeGPU]+counts[typeNIC] == 0 {
		return nil, invalid("request %q asks for %d GPUs and %d NICs", r.Name, counts[typeGPU], counts[typeNIC])
	}
	var asks []device.Request
	if n := counts[typeGPU]; n > 0 {
		ask, err := w.gpuAsk(r, n)
		if err != nil {
			return nil, err
		}
		asks = append(asks, ask)
	}
	if n := counts[typeNIC]; n > 0 {
		asks = append(asks, w.nicAsk(n, counts[typeGPU] > 0))
	}
	return asks, nil
}

func (w *world) gpuAsk(r *request, n int) (device.Request, error) {
	ask := device.Request{Resource: typeGPU, Count: n}
	if s := r.GPUShare; s != nil {
		ask.Share = device.Amounts{}
		for name, total := range map[string]int64{gpuCore: or(s.CorePercent, 0), gpuMemory: or(s.MemoryPercent, 0)} {
			if total < 0 {
				return ask, invalid("request %q asks for %d %% of a GPU", r.Name, total)
			}
			if total > 0 {
				ask.Share[name] = (total + int64(n) - 1) / int64(n)
			}
		}
	}
	switch w.c.Options.RequiredGPUScope {
	case "":
	case "PCIe":
		ask.Within = device.SamePCIe
	case "NUMANode":
		ask.Within = device.SameNUMA
	default:
		return ask, unsupported("GPUs within one %q", w.c.Options.RequiredGPUScope)
	}
	ask.AnySet = !slices.ContainsFunc(w.c.Cluster.Nodes, func(n node) bool {
		return n.Devices != nil && n.Devices.PartitionTable != nil && n.Devices.PartitionTable.Honour == "Honor"
	})
	return ask, nil
}

// nicAsk asks for virtual functions of NICs; where GPUs and NICs are allocated
// jointly, for each PCIe switch that holds a GPU of the pod.
func (w *world) nicAsk(n int, withGPU bool) device.Request {
	ask := device.Request{Resource: typeNIC, Count: n, Share: device.Amounts{nicShare: 1}}
	if withGPU && slices.Contains(w.c.Options.JointAllocate, typeNIC) {
		ask.Beside, ask.Near, ask.PerDomain = typeGPU, device.SamePCIe, true
	}
	var labels []map[string]string
	for _, n := range w.c.Cluster.Nodes {
		if n.Devices == nil {
			continue
		}
		for _, x := range n.Devices.List {
			for _, g := range x.VFGroups {
				ask.Function = true
				labels = append(labels, g.Labels)
			}
		}
	}
	// The option names a value; its key is that of the groups that carry it. A
	// value that no group carries binds nothing.
	if value := w.c.Options.VFLabel; value != nil {
		for _, l := range labels {
			for key := range sorted(l) {
				if l[key] == *value && ask.Labels == nil {
					ask.Labels = map[string]string{key: *value}
				}
			}
		}
	}
	return ask
}
