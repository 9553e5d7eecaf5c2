// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"tarsia.dev/tarsia/placement"
	"tarsia.dev/tarsia/policy"
)

// large is a fleet of many nodes of a few kinds, 8 GPUs each on most.
func large(n int) []placement.Node {
	base := site()
	out := make([]placement.Node, n)
	for i := range out {
		node := base[i%len(base)]
		node.Name = fmt.Sprintf("%s-%05d", node.Name, i)
		node.Labels = map[string]string{
			"cpumanager": node.Labels["cpumanager"], "nvidia.com/gpu.product": node.Labels["nvidia.com/gpu.product"],
			"kubernetes.io/hostname": node.Name, "rack": fmt.Sprint(i / 100),
		}
		node.Domains = []placement.Domain{{Level: "nvlink", ID: fmt.Sprint("d", i/8)}}
		out[i] = node
	}
	return out
}

func examplePolicy(b *testing.B) *policy.Policy {
	data, err := os.ReadFile("../examples/policy.yaml")
	if err != nil {
		b.Fatal(err)
	}
	p, err := policy.Load("policy.yaml", data)
	if err != nil {
		b.Fatal(err)
	}
	return p
}

func BenchmarkLoad(b *testing.B) {
	data, err := os.ReadFile("../examples/policy.yaml")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := policy.Load("policy.yaml", data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBind5000(b *testing.B) {
	p, nodes := examplePolicy(b), large(5000)
	b.ReportAllocs()
	for b.Loop() {
		p.Bind(nodes)
	}
}

// BenchmarkApply5000 edits gangs of six kinds: what a kind asks for is computed
// once.
func BenchmarkApply5000(b *testing.B) {
	bound := examplePolicy(b).Bind(large(5000))
	var gangs []placement.Gang
	for i := range 600 {
		class := []string{"latency", "batch", "other"}[i%3]
		gangs = append(gangs, job(fmt.Sprint("job-", i), class, 4, int64(4*(i%2)), 8000))
	}
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		if _, err := bound.Apply(gangs[i%len(gangs)], 0); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

// BenchmarkPlace5000 places the same gangs with and without the policy.
func BenchmarkPlace5000(b *testing.B) {
	nodes := large(5000)
	bound := examplePolicy(b).Bind(nodes)
	for _, with := range []bool{false, true} {
		b.Run(fmt.Sprint("policy=", with), func(b *testing.B) {
			f, err := placement.NewFleet(nodes, nil)
			if err != nil {
				b.Fatal(err)
			}
			u := placement.NewUsage(f)
			i := 0
			for b.Loop() {
				g := job(fmt.Sprint("job-", i), []string{"latency", "batch"}[i%2], 2, 4, 8000)
				g.Rules = []placement.LevelRule{{Level: "nvlink", Mode: placement.Required}}
				if with {
					a, err := bound.Apply(g, 0)
					if err != nil {
						b.Fatal(err)
					}
					g = a.Gang
				}
				if _, err := placement.Place(context.Background(), u, g); err != nil {
					b.Fatal(err)
				}
				i++
			}
		})
	}
}
