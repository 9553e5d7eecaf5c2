// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"fmt"
	"strconv"
	"strings"

	"tarsia.dev/tarsia/topology"
)

// shownRefusals is how many groups of refusals Sentences speaks of.
const shownRefusals = 8

// Sentences says the decision in the words of an operator, the most important
// first: where the gang went or what stood in its way, who must go, what each
// kind of place lacks, what would help, and when. Terminal, page and events of a
// scheduler show these lines; the JSON carries them.
func (d Decision) Sentences() []string {
	var out []string
	if s := d.Brief(); s != "" {
		out = append(out, s)
	}
	if s := d.victimSentence(); s != "" {
		out = append(out, s)
	}
	if d.Outcome == Placed {
		if d.Survival != nil {
			out = append(out, d.Survival.Text)
		}
		return out
	}
	groups := d.GroupedRefusals()
	for i, g := range groups {
		if i == shownRefusals {
			out = append(out, "and "+counted(len(groups)-i, "more kind")+" of refusal")
			break
		}
		if s := g.String(); len(out) == 0 || out[0] != s {
			out = append(out, s)
		}
	}
	return append(out, d.Remedies()...)
}

// Remedies are the sentences on what would help a refused gang, and on when it
// fits by itself. They are among Sentences.
func (d Decision) Remedies() []string {
	var out []string
	if d.Relax != nil {
		out = append(out, "it would fit "+d.Relax.Text)
	}
	if d.FitsAfter != nil {
		out = append(out, d.waitSentence())
	}
	return out
}

// Event is the decision as one line of at most limit bytes, as an event or a
// condition takes it: whole sentences, as many as fit, of the first what fits.
func (d Decision) Event(limit int) string {
	line := ""
	for _, s := range d.Sentences() {
		next := line
		if next != "" {
			next += "; "
		}
		if next += s; len(next) > limit {
			if line == "" {
				line = strings.ToValidUTF8(next[:limit], "")
			}
			break
		}
		line = next
	}
	return line
}

func (d Decision) victimSentence() string {
	if len(d.Victims) == 0 {
		return ""
	}
	return counted(len(d.Victims), "running pod") + " must go first: " + shortList(d.Victims)
}

func (d Decision) waitSentence() string {
	s := "it fits in " + span(*d.FitsAfter) + " if nothing new arrives"
	switch len(d.WaitsFor) {
	case 0:
		return s
	case 1:
		return s + ", when " + d.WaitsFor[0] + " has ended"
	}
	return s + ", when " + counted(len(d.WaitsFor), "pod") + " have ended: " + shortList(d.WaitsFor)
}

// span writes seconds as people say them, in their two largest units: "40s",
// "2h30m", "3d4h".
func span(seconds int64) string {
	units := []struct {
		name string
		of   int64
	}{{"d", 86400}, {"h", 3600}, {"m", 60}, {"s", 1}}
	i := 0
	for i < len(units)-1 && seconds < units[i].of {
		i++
	}
	s := strconv.FormatInt(seconds/units[i].of, 10) + units[i].name
	if i < len(units)-1 {
		if rest := seconds % units[i].of / units[i+1].of; rest > 0 {
			s += strconv.FormatInt(rest, 10) + units[i+1].name
		}
	}
	return s
}

// String is "node gpu-04: a pod wants 4 nvidia.com/gpu, 2 free of 8".
func (r Refusal) String() string { return r.sentence(r.Domain) }

// sentence says the refusal of one or several domains.
func (r Refusal) sentence(domains string) string {
	where := r.Level + " " + domains + ": "
	if r.Level == levelFleet {
		where = "the fleet: "
	}
	if r.More > 0 {
		return where + r.lack() + fmt.Sprintf(" (and %d more like it)", r.More)
	}
	return where + r.lack()
}

// lack is the sentence without its place.
func (r Refusal) lack() string {
	pod, perPod := strings.CutSuffix(r.Wanted, " a pod")
	all, inAll := strings.CutSuffix(r.Wanted, " in all")
	if sentence, ok := r.lackISA(); ok {
		return sentence
	}
	switch {
	case r.Constraint == "not ready":
		return "not ready: " + r.Found
	case r.Constraint == "unschedulable":
		return r.Found
	case r.Constraint == "architecture" && r.Found == "unknown":
		return "its architecture is not known, wanted " + r.Wanted
	case r.Constraint == "architecture" && r.Level == levelNode:
		return r.Found + ", wanted " + r.Wanted
	case r.Level == levelNode && strings.HasPrefix(r.Constraint, "taint "):
		return r.Constraint + " is not tolerated"
	case r.Level == levelNode && strings.HasPrefix(r.Constraint, "label "):
		return r.Found + ", wanted " + r.Wanted
	case r.Constraint == "node affinity" && r.Level == levelNode:
		return "no alternative of the node affinity holds: " + r.Wanted
	case strings.HasPrefix(r.Constraint, "has no ") && r.Level == levelNode:
		return "in no domain of level " + strings.TrimPrefix(r.Constraint, "has no ")
	case r.Level == levelNode && (r.Constraint == constraintKubelet || r.Constraint == constraintClaims):
		return r.Found
	case r.Level == levelNode && r.Constraint == constraintNUMA:
		return "a pod wants " + r.Wanted + "; " + r.Found
	case perPod && r.Constraint == Pods:
		return "no more pods: " + r.Found
	case perPod:
		return "a pod wants " + pod + " " + r.Constraint + ", " + r.Found
	case inAll:
		return "all pods together want " + all + " " + r.Constraint + ", " + r.Found
	case r.Level != levelNode && !strings.HasPrefix(r.Constraint, "has no "):
		return r.Wanted + " wanted, " + r.Found
	}
	return r.Constraint + ": wanted " + r.Wanted + ", found " + r.Found
}

// String is "node gpu-[01-04]: a pod wants 4 nvidia.com/gpu, 2 free of 8".
func (g GroupedRefusal) String() string { return g.sentence(topology.NameRange(g.Domains)) }
