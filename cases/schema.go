// SPDX-License-Identifier: Apache-2.0

package cases

import "encoding/json"

// schemaName is the only format that is read.
const schemaName = "placement-case/v1"

// Case is one recorded placement case. A field that is absent is empty, zero or
// false; the field names are those of the format.
type Case struct {
	Schema   string    `json:"schema"`
	ID       string    `json:"id"`
	Name     string    `json:"name"`
	Kind     string    `json:"kind"`
	Cluster  cluster   `json:"cluster"`
	Requests []request `json:"requests"`
	Options  options   `json:"options"`
	Workload *workload `json:"workload"`
	Expected expected  `json:"expected"`
	Source   unread    `json:"source"`
	Derived  unread    `json:"derived"`

	unknown []string // fields that are not understood, by path
}

// unread is a part of a case that is data about the case and no question.
type unread struct{}

// UnmarshalJSON accepts anything.
func (unread) UnmarshalJSON([]byte) error { return nil }

// note is a remark for people.
type note = unread

type cluster struct {
	Levels         []string            `json:"levels"`
	DomainSelector map[string]string   `json:"domainSelector"`
	Nodes          []node              `json:"nodes"`
	Existing       []existing          `json:"existing"`
	Generator      *generator          `json:"generator"`
	HyperNodes     map[string][]string `json:"hyperNodes"` // said again by the node labels
	Tiers          map[string][]string `json:"tiers"`
	Queues         []queue             `json:"queues"`
	Cells          *cells              `json:"cells"`
	ConfigChanges  []string            `json:"configChanges"`
	Note           note                `json:"note"`
}

type node struct {
	Name            string            `json:"name"`
	Labels          map[string]string `json:"labels"`
	Allocatable     amounts           `json:"allocatable"`
	Ready           bool              `json:"ready"`
	Unschedulable   bool              `json:"unschedulable"`
	Taints          []taint           `json:"taints"`
	OtherConditions map[string]string `json:"otherConditions"`
	OfferSlots      *int64            `json:"offerSlots"`
	Devices         *devices          `json:"devices"`
	NUMA            *numa             `json:"numa"`
	Note            note              `json:"note"`
}

type taint struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Effect string `json:"effect"`
}

type toleration struct {
	Key      string `json:"key"`
	Operator string `json:"operator"`
	Value    string `json:"value"`
	Effect   string `json:"effect"`
}

// existing is what runs already: a pod, or the use of a domain.
type existing struct {
	Kind      string            `json:"kind"`
	Name      string            `json:"name"`
	Namespace string            `json:"namespace"`
	Job       string            `json:"job"`
	Node      string            `json:"node"`
	Requests  amounts           `json:"requests"`
	Priority  int64             `json:"priority"`
	Phase     string            `json:"phase"`
	State     string            `json:"state"`
	Labels    map[string]string `json:"labels"`
	SubGroup  string            `json:"subGroup"`
	Domain    []string          `json:"domain"`
	PerPod    amounts           `json:"perPod"`
	Count     *int              `json:"count"`
	Note      note              `json:"note"`
}

// generator describes a cluster of like nodes in two tiers.
type generator struct {
	Tier2         *int    `json:"tier2"`
	Tier1PerTier2 int     `json:"tier1PerTier2"`
	NodesPerTier1 int     `json:"nodesPerTier1"`
	Allocatable   amounts `json:"allocatable"`
	Note          note    `json:"note"`
}

// queue is a share of the cluster for a group of users.
type queue struct {
	Name               string      `json:"Name"`
	ParentQueue        string      `json:"ParentQueue"`
	DeservedGPUs       json.Number `json:"DeservedGPUs"`
	MaxAllowedGPUs     json.Number `json:"MaxAllowedGPUs"`
	GPUOverQuotaWeight json.Number `json:"GPUOverQuotaWeight"`
	Note               note        `json:"note"`
}

type workload struct {
	Admitted       []admitted        `json:"admitted"`
	UnhealthyNodes []string          `json:"unhealthyNodes"`
	OwnedByPod     bool              `json:"ownedByPod"`
	OwnerKinds     []string          `json:"ownerKinds"`
	Annotations    map[string]string `json:"annotations"`
	Note           note              `json:"note"`
}

type admitted struct {
	Request    string     `json:"request"`
	Count      int        `json:"count"`
	Assignment assignment `json:"assignment"`
}

// assignment is what a request holds already: pods by domain, named by the
// values of levels or by the host name alone.
type assignment struct {
	Levels  []string `json:"levels"`
	Domains []struct {
		Values []string `json:"values"`
		Count  int      `json:"count"`
	} `json:"domains"`
}

type options struct {
	Profile                 string            `json:"profile"`
	SourceGates             map[string]bool   `json:"sourceGates"`
	GatesSetByCase          unread            `json:"gatesSetByCase"` // among sourceGates
	RequestResourceImplicit map[string]int64  `json:"requestResourceImplicit"`
	MaxPerDomain            *maxPerDomain     `json:"maxPerDomain"`
	TierNames               map[string]int    `json:"tierNames"`
	CustomFilter            bool              `json:"customFilter"`
	JointAllocate           []string          `json:"jointAllocate"`
	JointScope              string            `json:"jointScope"`
	RequiredGPUScope        string            `json:"requiredGpuScope"`
	RDMAExclusivePolicy     string            `json:"rdmaExclusivePolicy"`
	VFLabel                 *string           `json:"vfLabel"`
	PartitionPolicy         string            `json:"partitionPolicy"`
	Rule                    note              `json:"rule"`
	Note                    note              `json:"note"`
	Inferred                note              `json:"inferred"`
	Extra                   map[string]string `json:"-"`
}

type maxPerDomain struct {
	Level string `json:"level"`
	Pods  int    `json:"pods"`
}

// expected is read only where it states the question.
type expected struct {
	Outcome unread        `json:"outcome"`
	Steps   []step        `json:"steps"`
	Assert  []expectation `json:"assert"`
}

// step is one event of a sequence.
type step struct {
	Event          string          `json:"event"`
	Schedule       string          `json:"schedule"`
	SuggestedNodes json.RawMessage `json:"suggestedNodes"`
	ThenAllocate   bool            `json:"thenAllocate"`
}

// expectation is a predicate on the answer. That of kind remaining-gangs says
// for which gangs room is to be kept.
type expectation struct {
	Kind         string  `json:"kind"`
	Level        string  `json:"level"`
	NodesPerGang int     `json:"nodesPerGang"`
	PerPod       amounts `json:"perPod"`
}
