// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"encoding/binary"
	"errors"
	"math"
)

// grid holds the least cost of placing v[0], v[1], ... pods of several sets
// below a vertex, for all v up to ext. The last set varies fastest. Costs are
// packed lines of the objective.
type grid struct {
	ext  []int
	data []uint64
}

// errTooLarge ends a joint computation that would take too long.
var errTooLarge = errors.New("the sets are too many or too large to count together")

// gridBudget bounds the sums of one joint computation.
const gridBudget = 300_000_000

// grids keeps each different grid once, and what was merged.
type grids struct {
	words, sets int
	limit       []int // of each set
	all         []grid
	index       map[string]int32
	merged      map[[3]int32]int32
	spent       int
}

func newGrids(words int, limit []int) *grids {
	g := &grids{words: words, sets: len(limit), limit: limit, index: map[string]int32{}, merged: map[[3]int32]int32{}}
	g.keep(grid{make([]int, len(limit)), make([]uint64, words)})
	return g
}

// at is the cost of the entry with a flat index.
func (g *grids) at(x *grid, i int) []uint64 { return x.data[i*g.words : (i+1)*g.words] }

// flat is the index of v in a grid; -1 when it lies outside.
func (x *grid) flat(v []int) int {
	i := 0
	for s, n := range v {
		if n > x.ext[s] {
			return -1
		}
		i = i*(x.ext[s]+1) + n
	}
	return i
}

// size is the number of entries of a grid with an extent.
func size(ext []int) int {
	n := 1
	for _, e := range ext {
		n *= e + 1
	}
	return n
}

// next counts v up within ext, and tells whether that was possible.
func next(v, ext []int) bool {
	for s := len(v) - 1; s >= 0; s-- {
		if v[s] < ext[s] {
			v[s]++
			return true
		}
		v[s] = 0
	}
	return false
}

// keep trims a grid to what is possible and stores it, once.
func (g *grids) keep(x grid) int32 {
	x = g.trim(x)
	key := make([]byte, 0, 8*len(x.data)+4*len(x.ext))
	for _, e := range x.ext {
		key = binary.LittleEndian.AppendUint32(key, uint32(e))
	}
	for _, w := range x.data {
		key = binary.LittleEndian.AppendUint64(key, w)
	}
	id, ok := g.index[string(key)]
	if !ok {
		id = int32(len(g.all))
		g.all = append(g.all, x)
		g.index[string(key)] = id
	}
	return id
}

// trim gives every impossible entry the same cost and cuts the extent to the
// largest possible numbers.
func (g *grids) trim(x grid) grid {
	most := make([]int, g.sets)
	v := make([]int, g.sets)
	for i := 0; ; i++ {
		if c := g.at(&x, i); c[0] >= impossible {
			forbid(c)
		} else {
			for s, n := range v {
				most[s] = max(most[s], n)
			}
		}
		if !next(v, x.ext) {
			break
		}
	}
	if size(most) == size(x.ext) {
		return x
	}
	out := grid{most, make([]uint64, 0, size(most)*g.words)}
	clear(v)
	for {
		out.data = append(out.data, g.at(&x, x.flat(v))...)
		if !next(v, most) {
			return out
		}
	}
}

// merge is the grid of two vertices together: for every v the cheapest split.
// Of the sets of one mask of alone, only one side may have pods; class numbers
// the list of masks.
func (g *grids) merge(a, b int32, alone []uint64, class int32) (int32, error) {
	key := [3]int32{min(a, b), max(a, b), class}
	if id, ok := g.merged[key]; ok {
		return id, nil
	}
	x, y := &g.all[a], &g.all[b]
	out := grid{ext: make([]int, g.sets)}
	for s := range out.ext {
		out.ext[s] = min(g.limit[s], x.ext[s]+y.ext[s])
	}
	out.data = make([]uint64, size(out.ext)*g.words)
	for i := range out.data {
		out.data[i] = math.MaxUint64
	}
	v := make([]int, g.sets)
	for i := 0; ; i++ {
		if c := g.at(x, i); c[0] < impossible {
			if err := g.addRows(&out, c, v, y, alone); err != nil {
				return 0, err
			}
		}
		if !next(v, x.ext) {
			break
		}
	}
	id := g.keep(out)
	g.merged[key] = id
	return id, nil
}

// addRows adds one entry of one grid to all entries of another.
func (g *grids) addRows(out *grid, cost []uint64, v []int, y *grid, alone []uint64) error {
	last := g.sets - 1
	w := make([]int, g.sets)
	sum := make([]int, g.sets)
	mine := maskOf(v)
	for row := 0; ; row += y.ext[last] + 1 {
		if g.spent += y.ext[last] + 1; g.spent > gridBudget {
			return errTooLarge
		}
		fits := true
		for s := range last {
			sum[s] = v[s] + w[s]
			fits = fits && sum[s] <= out.ext[s]
		}
		sum[last] = v[last]
		theirs := maskOf(w[:last])
		if fits && !clash(mine, theirs, alone) {
			to := out.flat(sum)
			end := min(y.ext[last], out.ext[last]-v[last])
			if end > 0 && clash(mine, theirs|1<<last, alone) {
				end = 0
			}
			for j := range end + 1 {
				lessSum(g.at(out, to+j), cost, g.at(y, row+j))
			}
		}
		if !next(w[:last], y.ext[:last]) {
			return nil
		}
	}
}

// maskOf tells which sets have pods.
func maskOf(v []int) uint64 {
	var m uint64
	for s, n := range v {
		if n > 0 {
			m |= 1 << s
		}
	}
	return m
}

// clash tells whether two sides both have pods of sets that must stay together.
func clash(a, b uint64, alone []uint64) bool {
	for _, m := range alone {
		if a&m != 0 && b&m != 0 {
			return true
		}
	}
	return false
}

// split finds how v lies left in the merge of two grids: the most of the first
// sets that reach the least cost.
func (g *grids) split(whole, left, right int32, v []int, alone []uint64) []int {
	want := g.at(&g.all[whole], g.all[whole].flat(v))
	x, y := &g.all[left], &g.all[right]
	a, b := make([]int, g.sets), make([]int, g.sets)
	var found []int
	for i := 0; ; i++ {
		ok := true
		for s := range a {
			b[s] = v[s] - a[s]
			ok = ok && 0 <= b[s] && b[s] <= y.ext[s]
		}
		if ok && !clash(maskOf(a), maskOf(b), alone) && equalSum(want, g.at(x, i), g.at(y, y.flat(b))) {
			found = append(found[:0], a...)
		}
		if !next(a, x.ext) {
			break
		}
	}
	if found == nil {
		panic("placement: a grid disagrees with the grids it was merged from")
	}
	return found
}
