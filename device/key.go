// SPDX-License-Identifier: Apache-2.0

package device

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// tableKey writes everything that a table is made of, so that nodes with the
// same key can share one.
func tableKey(devices []Device, score [][]int, partitions [][]int) string {
	var b []byte
	number := func(v *int) {
		if v != nil {
			b = strconv.AppendInt(b, int64(*v), 10)
		}
		b = append(b, ' ')
	}
	for _, d := range devices {
		b = strconv.AppendQuote(b, d.Resource)
		number(d.Zone)
		number(d.Module)
		number(d.Socket)
		b = strconv.AppendQuote(b, d.PCIe)
		for _, name := range slices.Sorted(maps.Keys(d.Capacity)) {
			b = strconv.AppendInt(strconv.AppendQuote(b, name), d.Capacity[name], 10)
		}
		if d.Slots != nil {
			b = fmt.Appendf(b, "cut %d %t %v", d.Slots.Count, d.Slots.Uniform, d.Slots.Profiles)
		}
		for _, f := range d.Functions {
			b = append(b, 'f')
			for _, name := range slices.Sorted(maps.Keys(f.Labels)) {
				b = strconv.AppendQuote(strconv.AppendQuote(b, name), f.Labels[name])
			}
		}
		b = append(b, '\n')
	}
	for _, row := range score {
		for _, s := range row {
			b = append(strconv.AppendInt(b, int64(s), 10), ',')
		}
	}
	for _, p := range partitions {
		b = append(b, '|')
		for _, m := range p {
			b = append(strconv.AppendInt(b, int64(m), 10), ',')
		}
	}
	return string(b)
}

// AppendKey writes a state, so that equal states have equal keys.
func (st *State) AppendKey(b []byte) []byte {
	for k := range st.Free {
		b = binary.AppendUvarint(binary.AppendUvarint(b, st.Free[k]), st.Open[k])
	}
	for _, v := range st.Left {
		b = binary.AppendVarint(b, v)
	}
	for _, r := range st.Rows {
		b = append(b, r.Mode)
		for _, w := range r.Taken {
			b = binary.AppendUvarint(b, w)
		}
	}
	return b
}
