// SPDX-License-Identifier: Apache-2.0

package device_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"tarsia.dev/tarsia/device"
)

// recorded is what these tests read of a recorded device choice.
type recorded struct {
	ID      string
	Kind    string
	Cluster struct {
		Nodes []struct {
			Devices struct {
				Count     int
				PairScore [][]int
			}
		}
	}
	Requests []struct {
		Devices                       int
		AvailableDevices, MustInclude []int
	}
	Options  struct{ Profile string }
	Expected struct {
		Outcome            string
		Devices            []int
		BestPartitionScore int
		Steps              []struct {
			FreeBefore []int
			Expected   struct {
				Outcome            string
				Devices            []int
				BestPartitionScore int
			}
		}
	}
}

// TestRecordedChoices chooses on the recorded link matrices: the best partition
// is as good as the source's own, and the policy that takes the lowest devices
// takes what the source takes.
func TestRecordedChoices(t *testing.T) {
	shared := os.Getenv("TARSIA_SHARED")
	if shared == "" {
		t.Skip("TARSIA_SHARED is not set: the recorded cases are third-party data and not in this repository")
	}
	file, err := os.Open(filepath.Join(shared, "placement-cases", "go-gpuallocator.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	read, compared := 0, 0
	for lines := bufio.NewScanner(file); lines.Scan(); read++ {
		var c recorded
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		if c.Options.Profile != "best-effort" && c.Options.Profile != "simple" {
			continue
		}
		d := c.Cluster.Nodes[0].Devices
		for i, r := range c.Requests {
			free, outcome, devices, best := r.AvailableDevices, c.Expected.Outcome, c.Expected.Devices, c.Expected.BestPartitionScore
			if len(c.Expected.Steps) > 0 {
				s := c.Expected.Steps[i]
				free, outcome, devices, best = s.FreeBefore, s.Expected.Outcome, s.Expected.Devices, s.Expected.BestPartitionScore
			}
			got, total := chooseRecorded(t, d.Count, d.PairScore, free, device.Request{Resource: "gpu", Count: r.Devices, Include: r.MustInclude, Lowest: c.Options.Profile == "simple"})
			compared++
			switch {
			case (outcome == "placed") != (got != nil):
				t.Errorf("%s, step %d: %v, recorded %s", c.ID, i, got, outcome)
			case got == nil:
			case c.Options.Profile == "simple" && !slices.Equal(got, devices):
				t.Errorf("%s, step %d: %v, recorded %v", c.ID, i, got, devices)
			case c.Options.Profile == "best-effort" && r.Devices > 1 && r.MustInclude == nil && total < best:
				t.Errorf("%s, step %d: %v keeps a partition of %d, recorded best %d", c.ID, i, got, total, best)
			}
		}
	}
	t.Logf("%d cases read, %d choices compared", read, compared)
	if compared == 0 {
		t.Error("nothing was compared")
	}
}

// chooseRecorded chooses one set; total is its score and that of the best
// partition of what is left.
func chooseRecorded(t *testing.T, count int, score [][]int, free []int, r device.Request) (chosen []int, total int) {
	t.Helper()
	devices := make([]device.Device, count)
	for i := range devices {
		devices[i] = device.Device{ID: fmt.Sprint(i), Resource: "gpu"}
		if !slices.Contains(free, i) {
			devices[i].Unusable = "held"
		}
	}
	var ts device.Tables
	table, err := ts.Of(devices, score, nil)
	if err != nil {
		t.Fatal(err)
	}
	st := device.NewState(table, devices)
	a := device.NewAsk(table, []device.Request{r})
	if pods, _ := a.Fit(&st, nil, 1); pods == 0 {
		return nil, 0
	}
	links := table.Kinds[0].Links
	rest := st.Free[0]
	var set uint64
	for _, take := range a.Choose(&st, nil, 1)[0].Takes {
		chosen = append(chosen, take.Device)
		set |= 1 << take.Device
	}
	return chosen, int(links.Value(set) + links.Whole(rest&^set, r.Count))
}
