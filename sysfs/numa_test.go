// SPDX-License-Identifier: Apache-2.0

package sysfs_test

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/sysfs"
)

func TestNUMA(t *testing.T) {
	const dir = "sys/devices/system/node/"
	m := files(t, map[string]string{
		dir + "node0/cpulist": "0-3\n", dir + "node0/distance": "10 21\n", dir + "node17/cpumap": "f0\n", dir + "node17/distance": "21 ten\n",
		dir + "node2/cpulist": "!EIO", dir + "online": "0,17\n",
		dir + "node3/cpu4": "->../../cpu/cpu4", dir + "node3/cpulist": "\n",
		// Cut short, as a list that does not fit into one page, and the mask that does.
		dir + "node4/cpulist": "0,2", dir + "node4/cpumap": "15\n",
	})
	if got, err := sysfs.NUMANodes(m); err != nil || got.String() != "0,2-4,17" {
		t.Errorf("nodes: %s, %v", got, err)
	}
	for node, want := range map[int]string{0: "0-3", 17: "4-7", 3: "", 4: "0,2,4"} {
		if got, _, err := sysfs.NUMACPUs(m, node); err != nil || got.String() != want {
			t.Errorf("CPUs of node %d: %s, %v", node, got, err)
		}
	}
	if _, source, err := sysfs.NUMACPUs(m, 2); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("CPUs of an unreadable node: %s, %v", source, err)
	}
	if _, _, err := sysfs.NUMACPUs(m, 9); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("CPUs of no node: %v", err)
	}
	if got, err := sysfs.NUMADistances(m, 0); err != nil || !cmp.Equal(got, []int{10, 21}) {
		t.Errorf("distances: %v, %v", got, err)
	}
	if _, err := sysfs.NUMADistances(m, 17); err == nil {
		t.Error("a word is taken for a distance")
	}
	for _, bad := range []string{"0", "256", "-1", "1 2 x"} {
		if _, err := sysfs.ParseDistances(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
