// SPDX-License-Identifier: Apache-2.0

package topology

// Fleet is a set of nodes with the domains that join them.
type Fleet struct {
	APIVersion string       `json:"apiVersion"`
	Kind       string       `json:"kind"`
	Name       string       `json:"name"`
	Nodes      []*Node      `json:"nodes"`   // by name
	Trees      []DomainTree `json:"trees"`   // by name: nvlink, rack, ...
	Batches    []Batch      `json:"batches"` // by topic, then larger first
	Images     []Image      `json:"images"`  // by reference
}

// DomainTree groups nodes by one relation: NVLink domains, racks, power.
type DomainTree struct {
	Name    string   `json:"name"`
	Source  string   `json:"source"`
	Domains []Domain `json:"domains"` // by id
}

// Domain is one group of nodes.
type Domain struct {
	ID     string   `json:"id"`     // <ClusterUUID>.<CliqueID>, a rack by its path ("hall-1/r1"), "node/NAME" for a domain within one node
	Parent string   `json:"parent"` // id in the same tree, "" at the top
	Nodes  []string `json:"nodes"`  // by name; every node below it
}

// Batch is a group of like devices or nodes that agree in one thing: "3
// batches of H100 VBIOS". Topic and Group say what is compared among whom.
type Batch struct {
	Topic string   `json:"topic"` // "firmware/vbios", "driver", "kernel", "accelerators"
	Group string   `json:"group"` // who ought to agree: "nvidia NVIDIA H100 80GB HBM3"
	Value string   `json:"value"`
	Nodes []string `json:"nodes"` // by name
}

// Image is a container image that the site runs, with the platforms that its
// index offers.
type Image struct {
	Reference string   `json:"reference"`
	Platforms []string `json:"platforms"` // "linux/amd64", sorted
	UsedBy    []string `json:"usedBy"`    // workloads
	Source    string   `json:"source"`
}

// Site is what no machine can tell about itself: where it stands and what the
// site runs on it. It is read from site.yaml (package discover).
type Site struct {
	Name   string
	Places map[string][]Place // by node name
	Images []Image
}

// Place puts a node into a domain of a tree: {Tree: "rack", Path: [hall-1 r2]},
// outermost first.
type Place struct {
	Tree string
	Path []string
}
