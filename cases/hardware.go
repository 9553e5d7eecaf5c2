// SPDX-License-Identifier: Apache-2.0

package cases

// devices of a node, as the sources write them.
type devices struct {
	Count          int                    `json:"count"`
	Model          string                 `json:"model"`
	Links          unread                 `json:"links"` // summed up in pairScore
	PairScore      [][]int                `json:"pairScore"`
	NUMA           []int                  `json:"numa"`
	List           []listed               `json:"list"`
	Allocated      map[string][]allocated `json:"allocated"`
	PartitionTable *partitionTable        `json:"partitionTable"`
	Counters       map[string]int64       `json:"counters"`
	MIG            *mig                   `json:"mig"`
	Used           []migUsed              `json:"used"`
	Note           note                   `json:"note"`
}

// listed is one device of a node.
type listed struct {
	Type      string            `json:"type"`
	Index     *int              `json:"index"`
	Minor     *int              `json:"minor"`
	Name      string            `json:"name"`
	ID        string            `json:"id"`
	PCI       string            `json:"pci"`
	NUMA      *int              `json:"numa"`
	Socket    *int              `json:"socket"`
	PCIe      string            `json:"pcie"`
	Healthy   bool              `json:"healthy"`
	Labels    map[string]string `json:"labels"`
	Resources amounts           `json:"resources"`
	VFGroups  []vfGroup         `json:"vfGroups"`
	Consumes  map[string]int64  `json:"consumes"`
	Note      note              `json:"note"`
}

type vfGroup struct {
	Labels map[string]string `json:"labels"`
	VFs    []string          `json:"vfs"`
}

type allocated struct {
	Minor     int      `json:"minor"`
	Resources amounts  `json:"resources"`
	VFs       []string `json:"vfs"`
	Template  string   `json:"template"`
}

type partitionTable struct {
	Space  string             `json:"space"`
	List   [][]int            `json:"list"`
	BySize map[string][][]int `json:"bySize"`
	Honour string             `json:"honour"`
	Note   note               `json:"note"`
}

// mig is the table of profiles of a GPU: where an instance may start and how
// many slices it takes.
type mig struct {
	Profiles map[string]struct {
		Size   int   `json:"size"`
		Starts []int `json:"starts"`
	} `json:"profiles"`
	Slices int  `json:"slices"`
	Note   note `json:"note"`
}

type migUsed struct {
	GPU     int    `json:"gpu"`
	Profile string `json:"profile"`
	Start   int    `json:"start"`
}

// numa is what kubelet's Topology Manager works with.
type numa struct {
	Policy string `json:"policy"`
	Scope  string `json:"scope"`
	Zones  []zone `json:"zones"`
	Note   note   `json:"note"`
}

type zone struct {
	ID        int              `json:"id"`
	Name      string           `json:"name"`
	Capacity  amounts          `json:"capacity"`
	Available amounts          `json:"available"`
	Distances map[string]int64 `json:"distances"`
}

// cells are the physical cells of a cluster, their types, and the virtual
// clusters that own shares of them.
type cells struct {
	PhysicalCluster struct {
		CellTypes     map[string]cellType `json:"cellTypes"`
		PhysicalCells []cell              `json:"physicalCells"`
	} `json:"physicalCluster"`
	VirtualClusters map[string]struct {
		VirtualCells []struct {
			CellNumber int    `json:"cellNumber"`
			CellType   string `json:"cellType"`
		} `json:"virtualCells"`
		PinnedCells []struct {
			PinnedCellID string `json:"pinnedCellId"`
		} `json:"pinnedCells"`
	} `json:"virtualClusters"`
}

type cellType struct {
	ChildCellType   string `json:"childCellType"`
	ChildCellNumber int    `json:"childCellNumber"`
	IsNodeLevel     bool   `json:"isNodeLevel"`
}

type cell struct {
	CellType     string      `json:"cellType"`
	CellAddress  cellAddress `json:"cellAddress"`
	PinnedCellID string      `json:"pinnedCellId"`
	CellChildren []cell      `json:"cellChildren"`
}
