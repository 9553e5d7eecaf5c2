// SPDX-License-Identifier: Apache-2.0

package cases

import "encoding/json"

// request is like pods that are asked for together.
type request struct {
	Name         string            `json:"name"`
	Count        *int              `json:"count"`
	PerPod       amounts           `json:"perPod"`
	NodeSelector map[string]string `json:"nodeSelector"`
	Tolerations  []toleration      `json:"tolerations"`
	NodeAffinity *nodeAffinity     `json:"nodeAffinity"`
	AntiAffinity string            `json:"antiAffinity"`
	Priority     *int64            `json:"priority"`
	Group        string            `json:"group"`
	Queue        string            `json:"queue"`
	Annotations  map[string]string `json:"annotations"`
	Pods         []pod             `json:"pods"`
	Note         note              `json:"note"`

	Topology           *topology         `json:"topology"`
	Slices             []slice           `json:"slices"`
	PreviousAssignment *assignment       `json:"previousAssignment"`
	TopologySpec       *topologySpec     `json:"topologySpec"`
	LayerToLevel       map[string]string `json:"layerToLevel"`
	PodCountMultiple   map[string]int    `json:"podCountMultiple"`
	GangTree           *gangTree         `json:"gangTree"`
	MinMember          int               `json:"minMember"`
	NetworkTopology    *networkTopology  `json:"networkTopology"`
	SubGroupPolicy     []subGroupPolicy  `json:"subGroupPolicy"`

	Devices          json.RawMessage `json:"devices"` // a number, or a number by type
	AvailableDevices []int           `json:"availableDevices"`
	MustInclude      []int           `json:"mustInclude"`
	GPUShare         *gpuShare       `json:"gpuShare"`
	Claims           []claimRequest  `json:"claims"`
	Profile          string          `json:"profile"`

	QoS            string      `json:"qos"`
	Containers     []container `json:"containers"`
	InitContainers []container `json:"initContainers"`

	VirtualCluster string   `json:"virtualCluster"`
	LeafCells      int      `json:"leafCells"`
	LeafCellType   string   `json:"leafCellType"`
	PinnedCell     string   `json:"pinnedCell"`
	LazyPreemption bool     `json:"lazyPreemption"`
	Members        []member `json:"members"`
}

type pod struct {
	Name         string            `json:"name"`
	Job          string            `json:"job"`
	Requests     amounts           `json:"requests"`
	Labels       map[string]string `json:"labels"`
	NodeSelector map[string]string `json:"nodeSelector"`
	Tolerations  []toleration      `json:"tolerations"`
	// NodeAffinity lists the values of the label kai.scheduler/type that will do.
	NodeAffinity []string `json:"nodeAffinity"`
	SubGroup     string   `json:"subGroup"`
	Priority     *int64   `json:"priority"`
	State        string   `json:"state"`
	Node         string   `json:"node"`
	Note         note     `json:"note"`
}

type nodeAffinity struct {
	Required *struct {
		Terms []selectorTerm `json:"nodeSelectorTerms"`
	} `json:"requiredDuringSchedulingIgnoredDuringExecution"`
	Preferred []struct {
		Weight     int          `json:"weight"`
		Preference selectorTerm `json:"preference"`
	} `json:"preferredDuringSchedulingIgnoredDuringExecution"`
}

type selectorTerm struct {
	Expressions []expression `json:"matchExpressions"`
	Fields      []expression `json:"matchFields"`
}

type expression struct {
	Key      string   `json:"key"`
	Operator string   `json:"operator"`
	Values   []string `json:"values"`
}

type topology struct {
	Mode  string `json:"mode"`
	Level string `json:"level"`
}

type slice struct {
	Level       string `json:"level"`
	Size        int    `json:"size"`
	SizeMissing bool   `json:"sizeMissing"`
}

type topologySpec struct {
	GatherStrategy []struct {
		Layer    string `json:"layer"`
		Strategy string `json:"strategy"`
	} `json:"gatherStrategy"`
}

// gangTree is nested groups of pods, each with the levels that it asks for.
type gangTree struct {
	Name     string        `json:"name"`
	Topology *treeTopology `json:"topology"`
	Groups   []gangTree    `json:"groups"`
	PodSets  []treePodSet  `json:"podSets"`
}

type treePodSet struct {
	Name         string        `json:"name"`
	MinAvailable *int          `json:"minAvailable"`
	Topology     *treeTopology `json:"topology"`
}

type treeTopology struct {
	Tree      string `json:"tree"`
	Required  string `json:"required"`
	Preferred string `json:"preferred"`
}

// networkTopology is a bound on the tier of the innermost hypernode around all
// pods: hard, or as low as possible.
type networkTopology struct {
	Mode               string  `json:"mode"`
	HighestTierAllowed int     `json:"highestTierAllowed"`
	HighestTierName    *string `json:"highestTierName"`
}

// subGroupPolicy makes a group of the pods that agree in labels.
type subGroupPolicy struct {
	Name            string           `json:"name"`
	NetworkTopology *networkTopology `json:"networkTopology"`
	SubGroupSize    *int             `json:"subGroupSize"`
	MinSubGroups    int              `json:"minSubGroups"`
	MatchLabelKeys  []string         `json:"matchLabelKeys"`
}

type gpuShare struct {
	CorePercent   *int64 `json:"corePercent"`
	MemoryPercent *int64 `json:"memoryPercent"`
	Note          note   `json:"note"`
}

type claimRequest struct {
	Name           string     `json:"name"`
	Count          *int       `json:"count"`
	FirstAvailable [][]string `json:"firstAvailable"`
}

type container struct {
	Name     string  `json:"name"`
	Requests amounts `json:"requests"`
	Limits   amounts `json:"limits"`
	// RestartPolicy Always makes an init container a sidecar.
	RestartPolicy string `json:"restartPolicy"`
}

// member is pods of the gang that a pod belongs to.
type member struct {
	Pods      int `json:"pods"`
	LeafCells int `json:"leafCells"`
}
