// SPDX-License-Identifier: Apache-2.0

package check

import (
	"cmp"
	"fmt"
	"strings"

	"tarsia.dev/tarsia/finding"
	"tarsia.dev/tarsia/topology"
)

func fabricMembership(f *topology.Fleet) []finding.Finding {
	var troubles []trouble
	members := 0
	for _, n := range f.Nodes {
		t := trouble{node: n, key: n.Name, state: finding.Fail}
		for _, a := range n.Accelerators {
			if a.Fabric == nil || a.Fabric.State == "" || a.Fabric.State == "not-supported" || a.State == topology.DeviceLost {
				continue
			}
			members++
			wrong := fabricTrouble(*a.Fabric)
			if wrong == "" {
				continue
			}
			t.subjects = append(t.subjects, a.ID)
			t.evidence = append(t.evidence, finding.Evidence{Node: n.Name, Source: cmp.Or(a.Source, "nvmlDeviceGetGpuFabricInfo"),
				Found: string(a.ID) + ": " + wrong, Wanted: topology.FabricCompleted})
			if t.text == "" {
				t.text = wrong
			}
		}
		if len(t.subjects) > 0 {
			t.text = fmt.Sprintf("NVLink fabric of %s: %s", count(len(t.subjects), "accelerator"), t.text)
			troubles = append(troubles, t)
		}
	}
	if len(troubles) == 0 && members > 0 {
		return pass("nvmlDeviceGetGpuFabricInfo", count(members, "registration")+" completed", count(members, "accelerator")+" registered with the NVLink fabric")
	}
	return findings(troubles)
}

// fabricTrouble reads state and health mask (nvml.h,
// NVML_GPU_FABRIC_HEALTH_MASK_*): fields of two bits where 1 is true, 2 false
// and 0 not supported; and four bits at 8 where 1 is "no wrong configuration"
// and 0 not supported.
func fabricTrouble(m topology.FabricMember) string {
	if m.State != topology.FabricCompleted {
		return "registration " + m.State
	}
	if m.HealthMask == nil {
		return ""
	}
	var wrong []string
	for i, name := range []string{"degraded bandwidth", "route recovery", "unhealthy route", "access timeout"} {
		if *m.HealthMask>>(2*i)&3 == 1 {
			wrong = append(wrong, name)
		}
	}
	if *m.HealthMask>>8&15 > 1 {
		wrong = append(wrong, "wrong configuration")
	}
	return strings.Join(wrong, ", ")
}
