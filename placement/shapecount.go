// SPDX-License-Identifier: Apache-2.0

package placement

// counts holds, for one shape, how many pods fit on each node as things stand,
// and the sums for the domains of every level. A change of use touches the
// node's own count and the sums above it, nothing else.
type counts struct {
	s     *shape
	seen  int     // position in the log of the usage
	pods  []int64 // by node
	binds []int32 // by node: what keeps one more pod away, an index of names
	fixed []bool  // by node: that does not depend on what runs
	level [][]int64
	total int64

	names []string // constraints
	index map[string]int32
	tally []int // by constraint, for mostBinding

	// rough: what some node holds was too much to search through; its count may be
	// too low, and its costs too high.
	rough bool

	plans map[planKey]*plan
	used  int // clock of the usage when last asked for

	// best is the best score of a set of devices on the empty node, a reference
	// for what is lost; computed with the first plan.
	best []int64

	// ask is what a pod takes of the resources of the prices; nil until asked for.
	ask *priceAsk
}

// Bounds of what a Usage remembers, in shapes and in plans for each shape.
const (
	maxShapes = 64
	maxPlans  = 32
)

// counts returns the up-to-date counts of a shape.
func (u *Usage) counts(s *shape) *counts {
	u.clock++
	c := u.shapes[s.key]
	if c == nil {
		u.forgetShapes()
		c = newCounts(u, s)
		u.shapes[s.key] = c
	}
	c.used = u.clock
	c.sync(u)
	return c
}

func (u *Usage) forgetShapes() {
	for len(u.shapes) >= maxShapes {
		oldest := ""
		for key, c := range u.shapes {
			if oldest == "" || c.used < u.shapes[oldest].used {
				oldest = key
			}
		}
		delete(u.shapes, oldest)
	}
}

func newCounts(u *Usage, s *shape) *counts {
	f := u.f
	c := &counts{
		s: s, seen: -1, pods: make([]int64, len(f.nodes)), binds: make([]int32, len(f.nodes)), fixed: make([]bool, len(f.nodes)),
		level: make([][]int64, len(f.levels)), index: map[string]int32{}, plans: map[planKey]*plan{},
	}
	last := len(f.levels) - 1
	for l := range f.levels[:last] {
		c.level[l] = make([]int64, len(f.levels[l].domains))
	}
	c.level[last] = c.pods // of LevelNode
	for i := range f.nodes {
		if l, blocked := s.standing(&f.nodes[i]); blocked {
			c.fixed[i], c.binds[i] = true, c.intern(l.constraint)
		}
	}
	return c
}

func (c *counts) intern(constraint string) int32 {
	i, ok := c.index[constraint]
	if !ok {
		i = int32(len(c.names))
		c.names = append(c.names, constraint)
		c.index[constraint] = i
	}
	return i
}

// sync recounts the nodes that changed since the last time.
func (c *counts) sync(u *Usage) {
	changed, ok := u.since(c.seen)
	if ok {
		for _, node := range changed {
			c.recount(u, int(node))
		}
	} else {
		for node := range c.pods {
			c.recount(u, node)
		}
	}
	c.seen = u.now()
}

func (c *counts) recount(u *Usage, node int) {
	if c.fixed[node] {
		return
	}
	u.rough = false
	pods, binds := u.fit(c.s, node)
	c.rough = c.rough || u.rough
	c.binds[node] = c.intern(binds)
	delta := pods - c.pods[node]
	if delta == 0 {
		return
	}
	c.pods[node] = pods
	c.total += delta
	for l := range u.f.levels[:len(u.f.levels)-1] {
		if d := u.f.levels[l].of[node]; d >= 0 {
			c.level[l][d] += delta
		}
	}
}

// mostBinding names the constraint that binds most of some nodes, and how many.
func (c *counts) mostBinding(nodes []int32) (string, int) {
	c.tally = append(c.tally[:0], make([]int, len(c.names))...)
	for _, n := range nodes {
		c.tally[c.binds[n]]++
	}
	best := 0
	for i, t := range c.tally {
		if t > c.tally[best] || t == c.tally[best] && c.names[i] < c.names[best] {
			best = i
		}
	}
	return c.names[best], c.tally[best]
}
