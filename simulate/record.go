// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"slices"

	"tarsia.dev/tarsia/placement"
)

// Sample is the fleet at one time.
type Sample struct {
	Seconds    int64 `json:"seconds"`
	Allocated  int64 `json:"allocatedMilliGPU"`
	Fragmented int64 `json:"fragmentedMilliGPU"`
	Waiting    int   `json:"waitingJobs"`
	WaitingGPU int64 `json:"waitingMilliGPU"`
	Running    int   `json:"runningJobs"`
	NodesUsed  int   `json:"nodesUsed"`
	NodesDown  int   `json:"nodesDown"`
}

// Waits are seconds that jobs waited before they ran. Jobs that never ran are
// not among them.
type Waits struct {
	Jobs   int   `json:"jobs"`
	Mean   int64 `json:"meanSeconds"`
	Median int64 `json:"medianSeconds"`
	P90    int64 `json:"p90Seconds"`
	P99    int64 `json:"p99Seconds"`
	Most   int64 `json:"mostSeconds"`
}

// Locality says how near the pods of gangs of several pods lay.
type Locality struct {
	Level string `json:"level"`
	// Gangs that were started; Within are those of which all pods shared one
	// domain; Domains is how many domains each used, added up.
	Gangs   int `json:"gangs"`
	Within  int `json:"within"`
	Domains int `json:"domains"`
}

// Result is what one policy made of a trace.
type Result struct {
	Policy   string   `json:"policy"`
	Seed     uint64   `json:"seed"`
	Capacity int64    `json:"capacityMilliGPU"`
	Nodes    int      `json:"nodes"`
	Samples  []Sample `json:"samples"`
	// Utilisation is the mean of allocated GPU over the time until the last
	// arrival, in thousandths of a percent of the fleet.
	Utilisation int64 `json:"utilisationMilliPercent"`
	// Fragmentation is the mean of fragmented GPU over the samples until then, in
	// the same unit.
	Fragmentation int64      `json:"fragmentationMilliPercent"`
	Seconds       int64      `json:"seconds"` // until the last end
	Done          int        `json:"doneJobs"`
	Running       int        `json:"runningJobs"` // never end
	Never         int        `json:"neverStartedJobs"`
	Killed        int        `json:"restartsAfterFailures"`
	Waits         Waits      `json:"waits"`
	Locality      []Locality `json:"locality"`
	// NodeSeconds is how long nodes had something to run, added up. Cost is the
	// price of these hours in thousandths of the currency; nil when some node that
	// was used has no price.
	NodeSeconds int64  `json:"nodeSeconds"`
	Cost        *int64 `json:"costMilli"`
	Decisions   int    `json:"decisions"`
	Nanoseconds int64  `json:"nanoseconds"`
}

// recorder adds up what happens.
type recorder struct {
	t        *Trace
	frag     *fgd
	state    *cluster
	last     int64 // the last arrival
	step     int64 // seconds between samples
	sampled  int64 // when the next sample is due
	samples  []Sample
	at       int64
	alloc    int64
	area     float64 // milli-GPU seconds until last
	running  int
	pods     []int // by node
	used     int
	usedFor  []int64 // by node: seconds
	since    []int64 // by node: when it became used
	fragSum  float64
	fragN    int
	killed   int
	locality []Locality
	domain   [][]int32 // by level, by node

	decisions   int
	nanoseconds int64
}

func newRecorder(t *Trace, mix []demand, state *cluster, last int64, samples int) *recorder {
	n := len(t.Nodes)
	rec := &recorder{
		t: t, frag: newFGD(state, mix, false), state: state, last: last, step: max(1, last/int64(samples-1)),
		pods: make([]int, n), usedFor: make([]int64, n), since: make([]int64, n),
	}
	for _, level := range append(slices.Clone(t.Levels), placement.LevelNode) {
		rec.locality = append(rec.locality, Locality{Level: level})
		rec.domain = append(rec.domain, domainsOf(t.Nodes, level))
	}
	return rec
}

// domainsOf numbers the domains of a level, by node. A node outside all domains,
// and every node for LevelNode, is one of its own.
func domainsOf(nodes []Node, level string) []int32 {
	of := make([]int32, len(nodes))
	index := map[string]int32{}
	for i, n := range nodes {
		of[i] = -1 - int32(i)
		for _, d := range n.Domains {
			if d.Level != level {
				continue
			}
			if _, known := index[d.ID]; !known {
				index[d.ID] = int32(len(index))
			}
			of[i] = index[d.ID]
		}
	}
	return of
}

// until moves time forward; samples fall on the way, before what happens then.
func (rec *recorder) until(r *replay, at int64) {
	for rec.sampled <= min(at-1, rec.last) {
		rec.sample(r, rec.sampled)
		rec.sampled += rec.step
	}
	if end := min(at, rec.last); end > rec.at {
		rec.area += float64(rec.alloc) * float64(end-rec.at)
	}
	rec.at = at
}

func (rec *recorder) sample(r *replay, at int64) {
	s := Sample{
		Seconds: at, Allocated: rec.alloc, Fragmented: fragmented(rec.frag, rec.state),
		Waiting: len(r.waiting), Running: rec.running, NodesUsed: rec.used,
	}
	for _, id := range r.waiting {
		s.WaitingGPU += rec.t.Jobs[id].milliGPU()
	}
	for _, down := range r.down {
		if down {
			s.NodesDown++
		}
	}
	rec.fragSum += float64(s.Fragmented)
	rec.fragN++
	rec.samples = append(rec.samples, s)
}

func (rec *recorder) entered(r *replay, id int, nodes []int32) {
	rec.alloc += rec.t.Jobs[id].milliGPU()
	rec.running++
	for _, n := range nodes {
		if rec.pods[n]++; rec.pods[n] == 1 {
			rec.used++
			rec.since[n] = r.now
		}
	}
	if len(nodes) < 2 {
		return
	}
	for l := range rec.locality {
		seen := map[int32]bool{}
		for _, n := range nodes {
			seen[rec.domain[l][n]] = true
		}
		rec.locality[l].Gangs++
		rec.locality[l].Domains += len(seen)
		if len(seen) == 1 {
			rec.locality[l].Within++
		}
	}
}

func (rec *recorder) left(r *replay, id int, nodes []int32) {
	rec.alloc -= rec.t.Jobs[id].milliGPU()
	rec.running--
	for _, n := range nodes {
		if rec.pods[n]--; rec.pods[n] == 0 {
			rec.used--
			rec.usedFor[n] += r.now - rec.since[n]
		}
	}
}

func (rec *recorder) result(r *replay) Result {
	for rec.sampled <= rec.last {
		rec.sample(r, rec.sampled)
		rec.sampled += rec.step
	}
	res := Result{
		Policy: r.o.Policy, Seed: r.o.Seed, Capacity: capacity(rec.t.Nodes), Nodes: len(rec.t.Nodes), Samples: rec.samples,
		Seconds: r.now, Killed: rec.killed, Locality: rec.locality, Decisions: rec.decisions, Nanoseconds: rec.nanoseconds, Running: rec.running,
	}
	if res.Capacity > 0 && rec.last > 0 {
		res.Utilisation = int64(rec.area / float64(rec.last) * 100000 / float64(res.Capacity))
	}
	if res.Capacity > 0 && rec.fragN > 0 {
		res.Fragmentation = int64(rec.fragSum / float64(rec.fragN) * 100000 / float64(res.Capacity))
	}
	cost, priced := 0.0, true
	for n := range rec.usedFor {
		if rec.pods[n] > 0 { // it never ends
			rec.usedFor[n] += r.now - rec.since[n]
		}
		res.NodeSeconds += rec.usedFor[n]
		if per := rec.t.Nodes[n].PerHour; per != nil {
			cost += float64(*per) * float64(rec.usedFor[n]) / 3600
		} else if rec.usedFor[n] > 0 {
			priced = false
		}
	}
	if priced {
		res.Cost = new(int64(cost))
	}
	var waits []int64
	for i := range r.jobs {
		p := &r.jobs[i]
		if p.done {
			res.Done++
		}
		if p.starts == 0 {
			res.Never++
			continue
		}
		waits = append(waits, p.wait)
	}
	res.Waits = waitsOf(waits)
	return res
}

func waitsOf(waits []int64) Waits {
	w := Waits{Jobs: len(waits)}
	if len(waits) == 0 {
		return w
	}
	slices.Sort(waits)
	var sum int64
	for _, s := range waits {
		sum += s
	}
	// The smallest value that at least so many percent do not exceed.
	percentile := func(p int) int64 { return waits[(len(waits)*p+99)/100-1] }
	w.Mean, w.Median, w.P90, w.P99, w.Most = sum/int64(len(waits)), percentile(50), percentile(90), percentile(99), percentile(100)
	return w
}
