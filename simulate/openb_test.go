// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestProto(t *testing.T) {
	dir := filepath.Join(os.Getenv("TARSIA_SHARED"), "traces/openb")
	f, err := os.Open(filepath.Join(dir, "openb_node_list_gpu_node.csv"))
	if err != nil {
		t.Skip()
	}
	nodes, err := ReadOpenBNodes(f, "nodes")
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range strings.Split(os.Getenv("LISTS"), ",") {
		f, _ := os.Open(filepath.Join(dir, "openb_pod_list_"+list+".csv"))
		jobs, err := ReadOpenBJobs(f, "jobs")
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range strings.Split(os.Getenv("POL"), ",") {
			t0 := time.Now()
			r, err := Fill(context.Background(), &Trace{Nodes: nodes, Jobs: jobs}, FillOptions{Policy: p, Seed: 1, Percent: 130, At: []int{100, 129}, Now: func() int64 { return time.Since(t0).Nanoseconds() }})
			if err != nil {
				t.Fatal(err)
			}
			s := ""
			for _, pt := range r.Points {
				s += fmt.Sprintf(" %d: %.2f frag %.2f bound %.2f", pt.Percent, 100*float64(pt.Allocated)/float64(r.Capacity), 100*float64(pt.Fragmented)/float64(r.Capacity), 100*float64(pt.Bound)/float64(r.Capacity))
			}
			t.Log(list, p, s, r.Decisions, "decisions", float64(r.Decisions)/float64(r.Nanoseconds)*1e9, "/s", time.Since(t0))
		}
	}
}
