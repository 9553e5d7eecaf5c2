// SPDX-License-Identifier: Apache-2.0

package render

// Facts is one machine as its fact file says it. A field that is left out is
// something that the machine has not or does not tell; required are
// architecture, cpu and memory. It comes from ParseFacts, which checks it and
// fills in defaults.
type Facts struct {
	Vendor       string            `yaml:"vendor"`  // DMI sys_vendor; a board with a device tree has none
	Product      string            `yaml:"product"` // DMI product_name
	BIOS         string            `yaml:"bios"`    // DMI bios_version
	Architecture string            `yaml:"architecture"`
	CPU          CPU               `yaml:"cpu"`
	Memory       Memory            `yaml:"memory"`
	DeviceTree   *DeviceTree       `yaml:"deviceTree"`
	Kernel       Kernel            `yaml:"kernel"`
	Boot         Boot              `yaml:"boot"`
	Modules      []Module          `yaml:"modules"`
	IOMMU        string            `yaml:"iommu"`   // type of every group: DMA-FQ, DMA, identity; "" is no IOMMU
	Devices      map[string]Device `yaml:"devices"` // kinds of PCI device by a name of the file's own; "port" is the root port
	PCI          []RootComplex     `yaml:"pci"`
	Platform     []PlatformDevice  `yaml:"platform"`
	NVIDIA       *NVIDIA           `yaml:"nvidia"`
	AMD          *AMD              `yaml:"amd"`
	Faults       []Fault           `yaml:"faults"`
}

// CPU is the processors, all alike. CPUs are numbered as Linux does on x86:
// the first threads of all cores, package after package, then the second ones.
type CPU struct {
	Model           string  `yaml:"model"` // model name of /proc/cpuinfo; not shown on arm64
	Packages        int     `yaml:"packages"`
	Cores           int     `yaml:"cores"`   // per package
	Threads         int     `yaml:"threads"` // per core, 1 when left out
	NodesPerPackage int     `yaml:"nodesPerPackage"`
	ClusterCores    int     `yaml:"clusterCores"` // cores per cluster; 0: the kernel shows no clusters
	MHz             int     `yaml:"mhz"`
	Features        string  `yaml:"features"` // amd64 flags or arm64 Features, as /proc/cpuinfo has them
	X86             *X86    `yaml:"x86"`
	Arm             *Arm    `yaml:"arm"`
	RISCV           *RISCV  `yaml:"riscv"`
	Caches          []Cache `yaml:"caches"`
}

// X86 is what only amd64's /proc/cpuinfo says.
type X86 struct {
	Vendor    string `yaml:"vendor"` // GenuineIntel, AuthenticAMD
	Family    int    `yaml:"family"`
	Model     int    `yaml:"model"`
	Stepping  int    `yaml:"stepping"`
	Microcode int    `yaml:"microcode"`
}

// Arm is the identification of an arm64 core (MIDR_EL1).
type Arm struct {
	Implementer int `yaml:"implementer"`
	Variant     int `yaml:"variant"`
	Part        int `yaml:"part"`
	Revision    int `yaml:"revision"`
}

// RISCV is what only riscv64's /proc/cpuinfo says. The ids are written as they
// stand, since marchid has its top bit set on commercial cores.
type RISCV struct {
	ISA     string `yaml:"isa"` // rv64imafdc_zicsr_...
	MMU     string `yaml:"mmu"`
	UArch   string `yaml:"uarch"`
	Vendor  string `yaml:"mvendorid"`
	Arch    string `yaml:"marchid"`
	Imp     string `yaml:"mimpid"`
	FirstID int    `yaml:"firstHart"` // hart id of CPU 0
}

// Cache is one cache level of every core.
type Cache struct {
	Level int    `yaml:"level"`
	Type  string `yaml:"type"` // Data, Instruction, Unified
	Size  Size   `yaml:"size"`
	Cores int    `yaml:"cores"` // neighbouring cores that share one, 1 when left out
}

// Memory is the NUMA nodes with CPUs. Those of GPUs follow them.
type Memory struct {
	PerNode Size `yaml:"perNode"`
	Near    int  `yaml:"near"` // SLIT distance within a package, 12 when left out
	Far     int  `yaml:"far"`  // between packages, 21 when left out
}

// DeviceTree is the root of the device tree of a board without DMI.
type DeviceTree struct {
	Model      string   `yaml:"model"`
	Compatible []string `yaml:"compatible"`
}

// Kernel is the running kernel.
type Kernel struct {
	Release string `yaml:"release"`
	Cmdline string `yaml:"cmdline"`
}

// Boot is the trust state. A nil field is a file that is not there.
type Boot struct {
	EFI        bool   `yaml:"efi"`
	SecureBoot *bool  `yaml:"secureBoot"` // needs efi
	Lockdown   string `yaml:"lockdown"`   // none, integrity, confidentiality
	SigEnforce *bool  `yaml:"sigEnforce"`
}

// Module is one loaded module.
type Module struct {
	Name    string `yaml:"name"`
	Version string `yaml:"version"`
	Taint   string `yaml:"taint"` // letters of /sys/module/*/taint: P, O, E
}

// Device is one kind of PCI device.
type Device struct {
	ID        IDs    `yaml:"id"`
	Subsystem *IDs   `yaml:"subsystem"`
	Class     Class  `yaml:"class"`
	Revision  int    `yaml:"revision"`
	Driver    string `yaml:"driver"`
	Link      *Link  `yaml:"link"` // what it is built for; nil is conventional PCI or a part of the chip
	Net       *Net   `yaml:"net"`
	RDMA      *RDMA  `yaml:"rdma"`
	SRIOV     *SRIOV `yaml:"sriov"`
	DRM       bool   `yaml:"drm"` // has a card and a render node
}

// Net is one network interface per device, named prefix and a running number.
type Net struct {
	Prefix string `yaml:"prefix"`
	Mbps   int    `yaml:"mbps"` // 0 is a link that is down
}

// RDMA is one port of an InfiniBand or RoCE device, mlx5_ and a running number.
type RDMA struct {
	Layer string `yaml:"layer"` // InfiniBand, Ethernet
	Rate  string `yaml:"rate"`  // 400 Gb/sec (4X NDR)
}

// SRIOV is the virtual functions of a device. They take the addresses after it.
type SRIOV struct {
	Total int `yaml:"total"`
	On    int `yaml:"on"`
	VF    IDs `yaml:"vf"`
}

// RootComplex is one root bus and its ports.
type RootComplex struct {
	Domain  uint32   `yaml:"domain"`
	Bus     int      `yaml:"bus"`
	Node    *int     `yaml:"numa"`    // nil: the kernel does not know
	Slot    int      `yaml:"slot"`    // device number of the first port
	Builtin []string `yaml:"builtin"` // device kinds on the root bus itself, behind the ports
	// Ports is what lies below each root port: a device kind, or a switch with
	// its own ports in parentheses, "switch(gpu nic gpu nic)"; "nvme*4" is four.
	Ports []Tree `yaml:"ports"`
}

// PlatformDevice is a device without a bus that can be asked: a GPU or network
// interface of a system on chip.
type PlatformDevice struct {
	Name       string `yaml:"name"` // 17000000.gpu
	Compatible string `yaml:"compatible"`
	Driver     string `yaml:"driver"`
	Net        *Net   `yaml:"net"`
	DRM        bool   `yaml:"drm"`
	DevFreq    bool   `yaml:"devfreq"`
}

// NVIDIA is what NVIDIA's driver and NVML say about the GPUs.
type NVIDIA struct {
	Device      string  `yaml:"device"` // the kind of device that is the GPU
	Driver      string  `yaml:"driver"`
	Model       string  `yaml:"model"`
	Memory      Size    `yaml:"memory"`
	VBIOS       string  `yaml:"vbios"`
	GSP         string  `yaml:"gsp"`
	Modules     []int   `yaml:"modules"`     // baseboard position by GPU index
	MemoryNodes int     `yaml:"memoryNodes"` // NUMA nodes set aside per GPU; the first holds its memory
	NVLink      *NVLink `yaml:"nvlink"`
	C2C         *C2C    `yaml:"c2c"`
	Fabric      *Fabric `yaml:"fabric"`
}

// NVLink is the NVLinks of each GPU.
type NVLink struct {
	Links   int   `yaml:"links"`
	Version int   `yaml:"version"`
	MBps    int64 `yaml:"mbps"` // one direction of one link
	// To is "switch": NVSwitches that hide their address, or "peers": links
	// shared out evenly among the other GPUs.
	To string `yaml:"to"`
}

// C2C is the coherent links between each GPU and the package it is close to.
type C2C struct {
	Links int   `yaml:"links"`
	MBps  int64 `yaml:"mbps"` // one direction of one link
}

// Fabric is the multi-node NVLink domain of every GPU of the machine.
type Fabric struct {
	Cluster string `yaml:"cluster"`
	Clique  int    `yaml:"clique"`
}

// AMD is what amdgpu and KFD say about the GPUs.
type AMD struct {
	Device    string            `yaml:"device"`
	Model     string            `yaml:"model"`
	Memory    Size              `yaml:"memory"`
	VBIOS     string            `yaml:"vbios"`
	Firmware  map[string]string `yaml:"firmware"` // fw_version/NAME_fw_version: text
	Target    int               `yaml:"target"`   // gfx_target_version: 90402 is gfx942
	Units     int               `yaml:"units"`    // compute units
	XCC       int               `yaml:"xcc"`      // accelerated compute cores, 1 when left out
	Partition string            `yaml:"partition"`
	XGMI      *XGMI             `yaml:"xgmi"`
}

// XGMI joins every GPU with every other in one hive.
type XGMI struct {
	MBps int `yaml:"mbps"` // one direction of one link
}
