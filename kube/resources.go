// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"tarsia.dev/tarsia/placement"
)

// isDevice says whether a resource is an extended one, such as nvidia.com/gpu:
// named with a domain and counted whole.
func isDevice(name string) bool {
	return strings.Contains(name, "/") && !strings.HasPrefix(name, "kubernetes.io/")
}

// amounts converts a resource list in the order of names, reporting what is wrong.
func (r *reader) amounts(w where, list corev1.ResourceList) placement.Resources {
	if len(list) == 0 {
		return nil
	}
	out := make(placement.Resources, len(list))
	for _, name := range slices.Sorted(maps.Keys(list)) {
		v, err := amount(string(name), list[name])
		if err != nil {
			r.fail(w.in(string(name)).errorf("%w", err))
			continue
		}
		out[string(name)] = v
	}
	return out
}

// requests are a container's requests; a limit without a request requests that
// much, as the API server defaults it.
func (r *reader) requests(w where, req corev1.ResourceRequirements) placement.Resources {
	out := r.amounts(w.in("resources", "limits"), req.Limits)
	requested := r.amounts(w.in("resources", "requests"), req.Requests)
	for _, name := range slices.Sorted(maps.Keys(requested)) {
		if limit, ok := out[name]; ok && requested[name] > limit {
			r.fail(w.in("resources", "requests", name).errorf("found a request above its limit, wanted at most %d", limit))
		}
	}
	return merge(out, requested)
}

// merge lays b over a.
func merge(a, b placement.Resources) placement.Resources {
	if a == nil {
		return b
	}
	maps.Copy(a, b)
	return a
}

// tally sums resources and reports a sum that cannot be held.
type tally struct {
	r *reader
	w where
}

// add adds b to a.
func (t tally) add(a, b placement.Resources) placement.Resources {
	out := placement.Resources{}
	maps.Copy(out, a)
	for _, name := range slices.Sorted(maps.Keys(b)) {
		sum, ok := add(out[name], b[name])
		if !ok {
			t.r.fail(t.w.errorf("the containers' %s adds up to more than 2^63-1", cut(name)))
			continue
		}
		out[name] = sum
	}
	return out
}

// most is the larger of both, by resource.
func most(a, b placement.Resources) placement.Resources {
	out := placement.Resources{}
	maps.Copy(out, a)
	for name, v := range b {
		out[name] = max(out[name], v)
	}
	return out
}

// podRequests is what a pod takes from a node: the larger of what its containers
// and sidecars take together and of what each init container takes beside the
// sidecars started before it (KEP-753), replaced by the pod-level requests where
// there are any (KEP-2837), plus the runtime's overhead (KEP-688).
func (r *reader) podRequests(w where, spec *corev1.PodSpec) placement.Resources {
	sum := tally{r, w}
	var main, sidecars, start placement.Resources
	for i := range spec.Containers {
		c := w.in("containers", strconv.Itoa(i))
		main = sum.add(main, r.requests(c, spec.Containers[i].Resources))
	}
	for i := range spec.InitContainers {
		c := &spec.InitContainers[i]
		req := r.requests(w.in("initContainers", strconv.Itoa(i)), c.Resources)
		if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			sidecars = sum.add(sidecars, req)
			start = most(start, sidecars)
		} else {
			start = most(start, sum.add(sidecars, req))
		}
	}
	total := most(sum.add(main, sidecars), start)
	if spec.Resources != nil {
		limits := r.amounts(w.in("resources", "limits"), spec.Resources.Limits)
		for name, v := range limits {
			if _, counted := total[name]; !counted {
				total[name] = v
			}
		}
		maps.Copy(total, r.amounts(w.in("resources", "requests"), spec.Resources.Requests))
	}
	total = sum.add(total, r.amounts(w.in("overhead"), spec.Overhead))
	maps.DeleteFunc(total, func(_ string, v int64) bool { return v == 0 })
	return total
}
