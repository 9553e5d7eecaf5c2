// SPDX-License-Identifier: Apache-2.0

// Package topologymanager predicts whether a kubelet admits a pod, and on which
// NUMA zones its containers come to lie. A scheduler that does not ask this
// binds pods that the kubelet then fails with TopologyAffinityError.
//
// It follows Kubernetes 1.37, pkg/kubelet/cm: the hints of the CPU manager
// (policy static), of the memory manager (policy Static) and of the device
// manager, merged by the Topology Manager (KEP-693) under its four policies and
// two scopes. Left out are what a scheduler cannot know before it binds: which
// single CPUs and devices are taken within a zone, and the distribution options
// of the CPU manager; where a container spans several zones, the lower ones are
// taken to be filled first.
//
// Begin with Predict. Fewest answers another question: on how few zones a pod
// would fit, whatever the policy.
package topologymanager

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Policy is kubelet's topologyManagerPolicy.
type Policy string

// Policies. None and BestEffort never refuse for alignment; Restricted wants the
// fewest zones that could hold a container on an empty node, the same for all
// its resources; SingleNUMANode wants one zone.
const (
	None           Policy = "none"
	BestEffort     Policy = "best-effort"
	Restricted     Policy = "restricted"
	SingleNUMANode Policy = "single-numa-node"
)

// Scope is kubelet's topologyManagerScope: what is aligned as one.
type Scope string

// Scopes. The empty scope is ContainerScope, kubelet's default.
const (
	ContainerScope Scope = "container"
	PodScope       Scope = "pod"
)

// QoS is a pod's quality-of-service class.
type QoS string

// Classes. Only CPUs, memory and huge pages of a Guaranteed pod are pinned;
// devices are aligned for all classes.
const (
	QoSGuaranteed QoS = "Guaranteed"
	QoSBurstable  QoS = "Burstable"
	QoSBestEffort QoS = "BestEffort"
)

// Kubelet is the part of a kubelet's configuration that decides.
type Kubelet struct {
	Policy Policy
	Scope  Scope // "" is ContainerScope
	// SharedCPUs says that the CPU manager's policy is none: no CPU is pinned.
	// SharedMemory says the same of the memory manager. Absent, both are static,
	// as whoever publishes zones takes for granted.
	SharedCPUs, SharedMemory bool
	// PreferClosest is the policy option prefer-closest-numa-nodes: of zone sets
	// of one size the nearest is taken. It needs Distances.
	PreferClosest bool
	// ThreadsPerCore is set where the CPU manager has the option
	// full-pcpus-only: exclusive CPUs then come in multiples of it. 0 or 1 asks
	// for nothing.
	ThreadsPerCore int
	// ForgetInit takes what an init container held to be free again for whoever
	// comes next, as scheduler-plugins' NodeResourceTopology filter does. A
	// kubelet keeps it for the pod, and refuses a later container that does not
	// fit beside it.
	ForgetInit bool
}

// Resources counts what is asked for or there: "cpu" in milli-cores, "memory"
// and "hugepages-*" in bytes, devices by number. An absent resource is not
// listed, which is not the same as 0 of it.
type Resources = map[string]int64

// Zone is one NUMA node as a kubelet sees it.
type Zone struct {
	ID int
	// Capacity is what the zone has on an empty node; kubelet finds the fewest
	// zones that a request needs from it. CPUs that are reserved for the system
	// are part of it, reserved memory is not. What is absent here is taken from
	// Available.
	Capacity Resources
	// Available is what is free for pods now, without reserved CPUs.
	Available Resources
	// Distances is how far other zones are, by their id (ACPI SLIT; 10 is the
	// zone itself). Absent is unknown.
	Distances map[int]int
	// MemoryGroup is the zones over which running containers spread their
	// memory together with this one, itself among them. Empty: none does. The
	// memory manager gives a zone to single-zone or to multi-zone containers,
	// never to both.
	MemoryGroup []int
}

// Node is a kubelet and its zones.
type Node struct {
	Kubelet Kubelet
	Zones   []Zone
	// Unzoned is free devices of which the zone is not known: they can be given
	// to a container, but satisfy no alignment.
	Unzoned Resources
}

// Container is what one container asks for.
type Container struct {
	Name     string    // "" where one stands for the whole pod
	Requests Resources // for Guaranteed pods and for devices, limits are the same
	Init     bool
	Sidecar  bool // an init container that keeps running (restartPolicy Always)
}

// Pod is the containers of a pod, init containers in their order.
type Pod struct {
	QoS        QoS
	Containers []Container
}

// maxZones is how many zones kubelet's Topology Manager starts with
// (defaultMaxAllowableNUMANodes), and what the merge of all zone sets is
// bounded by. single-numa-node looks at single zones only and needs no bound.
const maxZones = 8

// maxZoneID is the largest id that kubelet's bit mask holds; a zone beyond it
// never appears in a hint.
const maxZoneID = 63

const (
	resCPU    = "cpu"
	resMemory = "memory"
)

// isMemory tells whether the memory manager looks after a resource.
func isMemory(resource string) bool {
	return resource == resMemory || strings.HasPrefix(resource, "hugepages-")
}

// check refuses what no kubelet could have said.
func check(n Node, p Pod) error {
	k := n.Kubelet
	switch k.Policy {
	case None, BestEffort, Restricted, SingleNUMANode:
	default:
		return fmt.Errorf("topology manager policy is %q, want none, best-effort, restricted or single-numa-node", k.Policy)
	}
	if k.Scope != "" && k.Scope != ContainerScope && k.Scope != PodScope {
		return fmt.Errorf("topology manager scope is %q, want container or pod", k.Scope)
	}
	if p.QoS != QoSGuaranteed && p.QoS != QoSBurstable && p.QoS != QoSBestEffort {
		return fmt.Errorf("pod has quality of service %q, want Guaranteed, Burstable or BestEffort", p.QoS)
	}
	if k.Policy != SingleNUMANode && len(n.Zones) > maxZones {
		return fmt.Errorf("node lists %d NUMA zones, want at most %d, with which kubelet's topology manager starts", len(n.Zones), maxZones)
	}
	if err := checkZones(n.Zones); err != nil {
		return err
	}
	for _, c := range p.Containers {
		for name, v := range c.Requests {
			if v < 0 {
				return fmt.Errorf("container %q asks for %d of %q, want 0 or more", c.Name, v, name)
			}
		}
	}
	return nil
}

func checkZones(zones []Zone) error {
	sorted := slices.SortedFunc(slices.Values(zones), byID)
	for i, z := range sorted {
		if i > 0 && sorted[i-1].ID == z.ID {
			return fmt.Errorf("node lists NUMA zone %d twice", z.ID)
		}
		if z.ID < 0 {
			return fmt.Errorf("node lists NUMA zone %d, want 0 or more", z.ID)
		}
	}
	return nil
}

func byID(a, b Zone) int { return cmp.Compare(a.ID, b.ID) }
