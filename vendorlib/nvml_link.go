// SPDX-License-Identifier: Apache-2.0

package vendorlib

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"unsafe"

	"tarsia.dev/tarsia/nvml"
)

// Field identifiers (nvml.h, NVML_FI_DEV_*).
const (
	fieldCommonSpeed = 90  // NVLINK_SPEED_MBPS_COMMON
	fieldLinkCount   = 91  // NVLINK_LINK_COUNT
	fieldLinkSpeed   = 164 // NVLINK_GET_SPEED, scope: link
	fieldC2CCount    = 170 // C2C_LINK_COUNT
	fieldC2CStatus   = 171 // C2C_LINK_GET_STATUS, scope: link
	fieldC2CSpeed    = 172 // C2C_LINK_GET_MAX_BW, scope: link
)

// fieldValue is nvmlFieldValue_t; the union is read by kind.
type fieldValue struct {
	id, scope          uint32
	timestamp, latency int64
	kind               uint32 // nvmlValueType_t
	result             int32  // nvmlReturn_t of this field
	value              [8]byte
}

// field asks for one field value as an unsigned number, nil where there is none.
func (d *asker) field(id, scope int) *uint64 {
	const symbol = "nvmlDeviceGetFieldValues"
	key := fmt.Sprintf("%s(%d)", symbol, id)
	v := fieldValue{id: uint32(id), scope: uint32(scope)}
	if !d.ask(key, []string{symbol}, d.h, 1, uintptr(unsafe.Pointer(&v))) {
		return nil
	}
	if v.result != 0 {
		name := nvml.ReturnName(int(v.result))
		d.note(key, name)
		if v.result == gpuIsLost || v.result == resetRequired {
			d.done, d.out.Error = true, name
		}
		return nil
	}
	n, ok := v.unsigned()
	if !ok {
		d.note(key, fmt.Sprintf("value type %d", v.kind))
		return nil
	}
	return &n
}

// unsigned reads the union; all three architectures are little-endian. The
// kinds: 1 unsigned int, 2 unsigned long, 3 unsigned long long, 4 long long, 5
// int, 6 unsigned short. Floating point and negative numbers are no count.
func (v *fieldValue) unsigned() (uint64, bool) {
	whole := binary.LittleEndian.Uint64(v.value[:])
	switch v.kind {
	case 1:
		return uint64(uint32(whole)), true
	case 2, 3:
		return whole, true
	case 4:
		return whole, int64(whole) >= 0
	case 5:
		return uint64(uint32(whole)), int32(whole) >= 0
	case 6:
		return uint64(uint16(whole)), true
	}
	return 0, false
}

// maxNVLinks bounds the links asked for; NVML_NVLINK_MAX_LINKS is 36.
const maxNVLinks = 64

// nvlinks asks link by link. How many there are says a field; where it does not
// answer, the links that tell their state count, as the functions answer for a few
// link numbers more than the device has.
func (d *asker) nvlinks() []nvml.Link {
	count := d.field(fieldLinkCount, 0)
	if count != nil {
		var links []nvml.Link
		for i := range int(min(*count, maxNVLinks)) {
			links = append(links, d.nvlink(i, d.linkState(i)))
		}
		return links
	}
	var links []nvml.Link
	for i := range maxNVLinks {
		state := d.linkState(i)
		if state == nil {
			break
		}
		links = append(links, d.nvlink(i, state))
	}
	return links
}

func (d *asker) linkState(link int) *int {
	return d.ofLink("nvmlDeviceGetNvLinkState", link)
}

// ofLink asks a function of the form f(device, link, unsigned *out).
func (d *asker) ofLink(symbol string, link int) *int {
	var v uint32
	if !d.ask(symbol+"["+strconv.Itoa(link)+"]", []string{symbol}, d.h, uintptr(link), uintptr(unsafe.Pointer(&v))) {
		return nil
	}
	return new(int(v))
}

// remoteTypes are nvmlIntNvLinkDeviceType_t.
var remoteTypes = map[int]string{0: "GPU", 1: "IBMNPU", 2: "SWITCH", 255: "UNKNOWN"}

func (d *asker) nvlink(i int, state *int) nvml.Link {
	l := nvml.Link{Link: i, Version: d.ofLink("nvmlDeviceGetNvLinkVersion", i)}
	if state != nil && (*state == 0 || *state == 1) {
		l.State = state
	}
	var remote pciInfo
	symbols := []string{"nvmlDeviceGetNvLinkRemotePciInfo_v2", "nvmlDeviceGetNvLinkRemotePciInfo"}
	if d.ask(symbols[0]+"["+strconv.Itoa(i)+"]", symbols, d.h, uintptr(i), uintptr(unsafe.Pointer(&remote))) {
		l.RemoteBusID = remote.address()
	}
	if kind := d.ofLink("nvmlDeviceGetNvLinkRemoteDeviceType", i); kind != nil {
		l.RemoteDevice = remoteTypes[*kind]
	}
	speed := d.field(fieldLinkSpeed, i)
	if speed == nil && l.State != nil && *l.State == 1 {
		speed = d.field(fieldCommonSpeed, 0) // of the active links
	}
	l.SpeedMBps = mbps(speed)
	return l
}

// maxMBps is what nvml.Parse takes; more is no speed of a link.
const maxMBps = 1 << 30

func mbps(v *uint64) *int64 {
	if v == nil || *v > maxMBps {
		return nil
	}
	return new(int64(*v))
}

// c2c asks for the coherent links, whose status and speed are told link by link.
// The status counts only where every link told its own.
func (d *asker) c2c() *nvml.C2C {
	count := d.field(fieldC2CCount, 0)
	if count == nil || *count == 0 || *count > maxNVLinks {
		return nil
	}
	c := nvml.C2C{LinkCount: int(*count)}
	up, told := 0, true
	for i := range c.LinkCount {
		status := d.field(fieldC2CStatus, i)
		if status == nil {
			told = false
			break
		}
		if *status == 1 {
			up++
		}
		if c.MaxBandwidth == nil && *status == 1 {
			c.MaxBandwidth = mbps(d.field(fieldC2CSpeed, i))
		}
	}
	if told {
		c.LinksUp = &up
	}
	return &c
}

// pairs asks for every two devices that answer. The indices of the answers are
// those of devices.
func (n *NVML) pairs(handles []uintptr, devices []nvml.Device) []nvml.Pair {
	var pairs []nvml.Pair
	for i := range handles {
		for j := range handles {
			if devices[i].Index >= devices[j].Index || devices[i].Error != "" || devices[j].Error != "" {
				continue
			}
			p := nvml.Pair{A: devices[i].Index, B: devices[j].Index}
			var ancestor uint32
			if n.call([]string{"nvmlDeviceGetTopologyCommonAncestor"}, handles[i], handles[j], uintptr(unsafe.Pointer(&ancestor))) == "" {
				p.Ancestor = new(int(ancestor))
			}
			p.NVLink, p.PCI = n.p2p(handles[i], handles[j], 2), n.p2p(handles[i], handles[j], 4)
			if p.Ancestor != nil || p.NVLink != nil || p.PCI != nil {
				pairs = append(pairs, p)
			}
		}
	}
	return pairs
}

// p2p asks for one capability: 2 NVML_P2P_CAPS_INDEX_NVLINK, 4 ..._PCI.
func (n *NVML) p2p(a, b, capability uintptr) *int {
	var status uint32
	if n.call([]string{"nvmlDeviceGetP2PStatus"}, a, b, capability, uintptr(unsafe.Pointer(&status))) != "" {
		return nil
	}
	return new(int(status))
}
