// SPDX-License-Identifier: Apache-2.0

package kube

// Prefix begins every label and annotation key of ours.
const Prefix = "tarsia.dev/"

// Annotations that Read understands on a workload, a pod template, a pod or a
// PodGroup.
const (
	// RequiredLevel and PreferredLevel name levels, separated by commas, whose
	// one domain the whole gang must, or should, lie in: "nvlink", "rack" or a
	// node-label key.
	RequiredLevel  = Prefix + "required-level"
	PreferredLevel = Prefix + "preferred-level"
	// NUMA with the value "aligned" asks that CPU, memory and devices of each pod
	// lie in one NUMA zone.
	NUMA = Prefix + "numa"
)

// FieldName is the one field that node affinity's matchFields may name. A gang
// that uses it finds the node's name among the node's labels under this key.
const FieldName = "metadata.name"

// Levels that have a name of their own, because several label keys say the same.
const (
	LevelRegion = "region"
	LevelZone   = "zone"
	LevelRack   = "rack"
	LevelNVLink = "nvlink"
	LevelHost   = "host"
)

// Keys of the objects and systems that are read.
const (
	labelArch    = "kubernetes.io/arch"
	labelArchOld = "beta.kubernetes.io/arch"
	labelHost    = "kubernetes.io/hostname"

	// kueue: keps/2724-topology-aware-scheduling.
	kueueRequired      = "kueue.x-k8s.io/podset-required-topology"
	kueuePreferred     = "kueue.x-k8s.io/podset-preferred-topology"
	kueueUnconstrained = "kueue.x-k8s.io/podset-unconstrained-topology"
	kueueGroup         = "kueue.x-k8s.io/podset-group-name"
	kueueSlice         = "kueue.x-k8s.io/podset-slice-required-topology"
	kueueSlices        = "kueue.x-k8s.io/podset-slice-required-topology-constraints"

	// jobset: api/jobset/v1alpha2.
	jobSetExclusive = "alpha.jobset.sigs.k8s.io/exclusive-topology"
	jobSetName      = "jobset.sigs.k8s.io/jobset-name"
	jobSetJob       = "jobset.sigs.k8s.io/replicatedjob-name"

	// lws: api/leaderworkerset/v1.
	lwsExclusive    = "leaderworkerset.sigs.k8s.io/exclusive-topology"
	lwsSubExclusive = "leaderworkerset.sigs.k8s.io/subgroup-exclusive-topology"
	lwsName         = "leaderworkerset.sigs.k8s.io/name"
	lwsIndex        = "leaderworkerset.sigs.k8s.io/group-index"

	// scheduler-plugins, coscheduling; volcano.
	coschedulingGroup = "scheduling.x-k8s.io/pod-group"
	volcanoGroup      = "scheduling.k8s.io/group-name"
)

// source is one label key that says in which domain of a level a node lies.
type source struct {
	key string
	// replacedBy is what the writer of the key uses since; "" is a current key. A
	// replaced key is still read, and said to be old: it outlives an upgrade.
	replacedBy string
}

// namedLevel is a level with a name of its own and the keys that are tried for
// it, in order.
type namedLevel struct {
	level   string
	sources []source
}

// namedLevels are the levels with names of their own, outermost first.
var namedLevels = []namedLevel{
	{LevelRegion, []source{
		{key: "topology.kubernetes.io/region"},
		{"failure-domain.beta.kubernetes.io/region", "topology.kubernetes.io/region"},
	}},
	{LevelZone, []source{
		{key: "topology.kubernetes.io/zone"},
		{"failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone"},
	}},
	{LevelRack, []source{
		{key: Prefix + "rack"},
		{key: "topology.kubernetes.io/rack"},
		{key: "oci.oraclecloud.com/host.rack_id"},
		{key: "cloud.provider.com/topology-rack"},
		{key: "fabric.topograph.run/tier-0"},
		{"network.topology.nvidia.com/leaf", "fabric.topograph.run/tier-0"},
	}},
	{LevelNVLink, []source{
		{key: Prefix + "nvlink-domain"},
		{key: "nvidia.com/gpu.clique"},
		{key: "accelerator.topograph.run/domain"},
		{key: "ds.coreweave.com/nvlink.domain"},
		{"network.topology.nvidia.com/accelerator", "accelerator.topograph.run/domain"},
	}},
	{LevelHost, []source{{key: labelHost}}},
}
