// SPDX-License-Identifier: Apache-2.0

package collective

// efficiency is which part of a line rate is left for data. The evidence is in
// docs/bandwidth.md.
var efficiency = map[Kind]float64{
	// 20 to 20.6 of 25.8 to 26.6 GB/s a link: 128-byte payloads from the cores of
	// the GPU, and flow control (NVIDIA/nccl-tests#149).
	NVLink: 0.775,
	// 48 of 64 GB/s at most, "after protocol and error correction"
	// (ROCm/rccl#1210), and a library reaches nine tenths of that.
	XGMI:   0.69,
	XeLink: 0.75, // no published figure found
	C2C:    0.80, // no published figure found
	// Three quarters, which NCCL also takes (its graph/topo.cc).
	PCIe: 0.75,
	Host: 1,
	// 24 of 25, 12.2 of 12.5, 46 to 48 of 50 GB/s a port (NVIDIA/nccl-tests#119,
	// #29, #290).
	Network: 0.96,
}

const (
	// inSwitch is which part of the line rate switches that reduce get: a constant
	// over 5 to 8 GPUs (NVIDIA/nccl#1455).
	inSwitch = 0.645
	// inSwitchMost bounds the bus bandwidth of all-reduce in the switch, as a part
	// of the line rate: large domains stay below it.
	inSwitchMost = 0.95
	// inSwitchSteps is how many steps inside it costs to arrange that, whatever
	// the size of the domain (the table of 8 H200 that docs/bandwidth.md cites).
	inSwitchSteps = 8
	// railsMost is how many ports of one domain rings and trees drive at once. Twenty
	// racks of NVL72 get less than nine ports' worth (coreweave/nccl-tests#48).
	railsMost = 8
)

// protocol is how chunks are moved: libraries have one for small messages and
// one for large ones, and take the faster.
type protocol struct {
	inside, between float64 // seconds a step
	rate            float64 // part of the rate that is left
}

var protocols = []protocol{
	{inside: 3e-6, between: 8e-6, rate: 0.6},
	{inside: 6e-6, between: 12e-6, rate: 1},
}
