// SPDX-License-Identifier: Apache-2.0

package kube_test

import (
	"context"
	"fmt"
	"os"

	"tarsia.dev/tarsia/kube"
	"tarsia.dev/tarsia/placement"
)

// What kubectl prints of the nodes and the pods, and the workloads to place, go
// into one Read; what it returns is the engine's input as it stands.
func ExampleRead() {
	var files []kube.File
	for _, name := range []string{"nodes.yaml", "running.yaml", "job.yaml", "jobset.yaml", "podgroup.yaml", "too-big.yaml"} {
		data, err := os.ReadFile("../examples/" + name)
		if err != nil {
			fmt.Println(err)
			return
		}
		files = append(files, kube.File{Name: name, Data: data})
	}
	in, err := kube.Read(files)
	if err != nil {
		fmt.Println(err)
		return
	}
	fleet, err := placement.NewFleet(in.Nodes, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	use := placement.NewUsage(fleet)
	for _, pod := range in.Running {
		if err := use.Add(pod); err != nil {
			fmt.Println(err)
			return
		}
	}
	for _, gang := range in.Gangs {
		d, err := placement.Place(context.Background(), use, gang)
		if err != nil {
			fmt.Println(err)
			return
		}
		if err := use.Commit(gang, d); d.Outcome == placement.Placed && err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(d.Gang, d.Outcome)
	}
	// Output:
	// job/train placed
	// jobset/reinforce placed
	// podgroup/build placed
	// job/too-big refused
}
