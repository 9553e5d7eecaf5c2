// SPDX-License-Identifier: Apache-2.0

package discover_test

import (
	"syscall"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/topology"
)

func (b board) net(name, device string, port int) string {
	dir := "sys/class/net/" + name
	b.link(dir+"/device", "/"+device)
	b.file(dir+"/dev_port", string(rune('0'+port)))
	return dir + "/"
}

func TestNICs(t *testing.T) {
	b := newBoard(t)
	up := b.net("eth0", b.pci("pci0000:00/0000:00:01.0", nic), 0)
	b.file(up+"operstate", "up")
	b.file(up+"carrier", "1")
	b.file(up+"speed", "100000")
	down := b.net("eth1", b.pci("pci0000:00/0000:00:02.0", nic), 0)
	b.file(down+"operstate", "down")
	b.fail(down+"carrier", syscall.EINVAL)
	b.fail(down+"speed", syscall.EINVAL)
	// virtio: the interface hangs below the PCI function, and tells no speed.
	b.pci("pci0000:00/0000:00:03.0", attrs{"class": "0x020000", "vendor": "0x1af4", "numa_node": "-1"})
	b.file("sys/devices/pci0000:00/0000:00:03.0/virtio2/status", "0x1")
	v := b.net("eth2", "sys/devices/pci0000:00/0000:00:03.0/virtio2", 0)
	b.file(v+"carrier", "1")
	b.file(v+"speed", "-1")
	b.file("sys/class/net/lo/operstate", "unknown") // no hardware
	b.file("sys/devices/platform/mgbe0/numa_node", "1")
	p := b.net("eth3", "sys/devices/platform/mgbe0", 0)
	b.file(p+"carrier", "2")
	ib := b.pci("pci0000:00/0000:00:05.0", nic.with(attrs{"class": "0x020700"}))
	for i, name := range []string{"ib0", "ib1"} {
		n := b.net(name, ib, i)
		b.file(n+"carrier", "1")
		b.file(n+"speed", "-1")
	}
	b.link("sys/class/infiniband/mlx5_0/device", "/"+ib)
	for _, port := range []string{"1", "2"} {
		d := "sys/class/infiniband/mlx5_0/ports/" + port + "/"
		b.file(d+"state", "4: ACTIVE")
		b.file(d+"link_layer", "InfiniBand")
		b.file(d+"rate", "400 Gb/sec (4X NDR)")
	}
	b.link("sys/class/infiniband/mlx5_1/device", "/sys/devices/pci0000:00/0000:00:02.0")
	b.file("sys/class/infiniband/mlx5_1/ports/2/state", "1: DOWN")
	b.file("sys/class/infiniband/mlx5_1/ports/2/rate", "10 Gb/sec (4X SDR)")

	n := b.read()
	rdma := func(device string, port int, state, layer, rate string) *topology.RDMAPort {
		return &topology.RDMAPort{Device: device, Port: port, State: state, LinkLayer: layer, Rate: rate}
	}
	want := []topology.NIC{
		{Name: "eth0", Device: "pci/0000:00:01.0", NUMANode: new(1), LinkUp: new(true), SpeedMbps: new(int64(100000))},
		{Name: "eth1", Device: "pci/0000:00:02.0", NUMANode: new(1), LinkUp: new(false)},
		{Name: "eth2", Device: "pci/0000:00:03.0", LinkUp: new(true)},
		{Name: "eth3", Device: "platform/mgbe0", NUMANode: new(1)},
		{Name: "ib0", Device: "pci/0000:00:05.0", NUMANode: new(1), LinkUp: new(true), SpeedMbps: new(int64(400000)), RDMA: rdma("mlx5_0", 1, "ACTIVE", "InfiniBand", "400 Gb/sec (4X NDR)")},
		{Name: "ib1", Device: "pci/0000:00:05.0", NUMANode: new(1), LinkUp: new(true), SpeedMbps: new(int64(400000)), RDMA: rdma("mlx5_0", 2, "ACTIVE", "InfiniBand", "400 Gb/sec (4X NDR)")},
		{Name: "mlx5_1/2", Device: "pci/0000:00:02.0", NUMANode: new(1), LinkUp: new(false), RDMA: rdma("mlx5_1", 2, "DOWN", "", "10 Gb/sec (4X SDR)")},
	}
	for i := range want {
		want[i].Source = "sys/class/net/" + want[i].Name
	}
	want[6].Source = "sys/class/infiniband/mlx5_1/ports/2"
	if diff := gocmp.Diff(want, n.NICs); diff != "" {
		t.Errorf("NICs (-want +got):\n%s", diff)
	}
	for _, c := range []struct {
		object topology.Ref
		fact   string
		kind   topology.AbsenceKind
	}{
		{"pci/0000:00:03.0", "nic.speedMbps", topology.Unknown},
		{"pci/0000:00:03.0", "numaNode", topology.Unknown},
		{"platform/mgbe0", "nic.linkUp", topology.Unreadable},
	} {
		if a := absence(t, n, c.object, c.fact); a.Kind != c.kind {
			t.Errorf("%+v, want %s", a, c.kind)
		}
	}
	if a, ok := n.AbsenceOf("pci/0000:00:02.0", "nic.speedMbps"); ok {
		t.Errorf("a link that is down has no speed, which is no absence: %+v", a)
	}
}

func TestIOMMUGroups(t *testing.T) {
	b := newBoard(t)
	a := b.pci("pci0000:00/0000:00:01.0", nic)
	c := b.pci("pci0000:00/0000:00:02.0", nic)
	b.pci("pci0000:00/0000:00:03.0", nic)
	const groups = "sys/kernel/iommu_groups/"
	b.link(a+"/iommu_group", "/"+groups+"10")
	b.link(groups+"10/devices/0000:00:01.0", "/"+a)
	b.file(groups+"10/type", "DMA-FQ")
	b.link(groups+"2/devices/0000:00:02.0", "/"+c)
	b.link(groups+"2/devices/arm-smmu-test", "/sys/devices/platform/arm-smmu-test")
	n := b.read()
	want := []topology.IOMMUGroup{
		{ID: 2, Functions: []topology.Ref{"pci/0000:00:02.0", "platform/arm-smmu-test"}},
		{ID: 10, Type: "DMA-FQ", Functions: []topology.Ref{"pci/0000:00:01.0"}},
	}
	if diff := gocmp.Diff(want, n.IOMMUGroups); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
	for i, want := range []*int{new(10), new(2), nil} {
		if got := n.PCI[i].IOMMUGroup; !gocmp.Equal(got, want) {
			t.Errorf("function %d: group %v, want %v", i, got, want)
		}
	}
}

func TestPlatformGPU(t *testing.T) {
	b := newBoard(t)
	const dir = "sys/devices/platform/bus@0/17000000.gpu"
	b.file(dir+"/uevent", "DRIVER=nvgpu\nOF_NAME=gpu\nOF_COMPATIBLE_0=nvidia,ga10b\nOF_COMPATIBLE_N=1")
	b.link("sys/bus/platform/devices/17000000.gpu", "../../../devices/platform/bus@0/17000000.gpu")
	b.link("sys/class/devfreq/17000000.gpu/device", "/"+dir)
	b.link("sys/class/drm/renderD128/device", "/"+dir)
	// A Mali under panthor is known by its render node only.
	b.file("sys/devices/platform/fb000000.graphics/uevent", "DRIVER=panthor\nOF_COMPATIBLE_0=rockchip,rk3588-mali\nOF_COMPATIBLE_1=arm,mali-valhall-csf")
	b.link("sys/class/drm/renderD129/device", "/sys/devices/platform/fb000000.graphics")
	// Software devices and PCI functions are none.
	b.file("sys/devices/platform/vgem/uevent", "DRIVER=vgem")
	b.link("sys/class/drm/renderD130/device", "/sys/devices/platform/vgem")
	b.link("sys/class/drm/renderD131/device", "/"+b.pci("pci0000:00/0000:00:02.0", mi300x))
	n := b.read()
	type row struct {
		ID                    topology.Ref
		Vendor, Model, Driver string
		State                 topology.DeviceState
	}
	var got []row
	for _, a := range n.Accelerators {
		got = append(got, row{a.ID, a.Vendor, a.Model, a.Driver, a.State})
	}
	want := []row{
		{"pci/0000:00:02.0", "amd", "1002:74a1", "amdgpu", topology.DeviceOK},
		{"platform/17000000.gpu", "nvidia", "nvidia,ga10b", "nvgpu", topology.DeviceOK},
		{"platform/fb000000.graphics", "arm", "rockchip,rk3588-mali", "panthor", topology.DeviceOK},
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("accelerators (-want +got):\n%s", diff)
	}
	if _, ok := n.AbsenceOf(topology.NodeRef, "nvml"); ok {
		t.Error("NVML is missed where no PCI function of NVIDIA is")
	}
}
