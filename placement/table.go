// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"encoding/binary"
	"math"
	"slices"
)

// tables holds, for vertices of a layout, the least cost of placing exactly
// 0, 1, ... pods below them. Costs are packed lines of the objective. Equal
// tables are one, and what was merged once is not merged again: a fleet has few
// kinds of nodes in few states.
type tables struct {
	words  int
	limit  int // the largest number of pods that a table speaks of
	data   [][]uint64
	leaves map[string]int32
	merged map[[2]int32]int32
	wraps  map[wrapKey]int32
}

type wrapKey struct {
	table   int32
	soft    int32
	outside bool
	pods    int64
	places  slotCounts // for gangs of the demand mix
}

// impossible is the first word of the cost of a count that cannot be. Two of
// them add up to more than any cost, and to less than the end of a word.
const impossible = 1 << 62

// emptyTable is the table of a vertex where nothing fits: 0 pods at no cost.
const emptyTable = 0

func newTables(words, limit int) tables {
	return tables{
		words: words, limit: limit, data: [][]uint64{make([]uint64, words)},
		leaves: map[string]int32{}, merged: map[[2]int32]int32{}, wraps: map[wrapKey]int32{},
	}
}

// most is the largest number of pods in a table.
func (t *tables) most(id int32) int { return len(t.data[id])/t.words - 1 }

// cost is the packed cost of n pods.
func (t *tables) cost(id int32, n int) []uint64 { return t.data[id][n*t.words : (n+1)*t.words] }

func (t *tables) add(data []uint64) int32 {
	t.data = append(t.data, data)
	return int32(len(t.data) - 1)
}

// leaf stores a table, once.
func (t *tables) leaf(data []uint64) int32 {
	if len(data) == t.words && data[0] == 0 {
		return emptyTable
	}
	key := make([]byte, 0, 8*len(data))
	for _, w := range data {
		key = binary.LittleEndian.AppendUint64(key, w)
	}
	id, ok := t.leaves[string(key)]
	if !ok {
		id = t.add(data)
		t.leaves[string(key)] = id
	}
	return id
}

// wrap adds the cost of a domain, from one pod on.
func (t *tables) wrap(key wrapKey, add func(v []uint64, n int)) int32 {
	if key.table == emptyTable {
		return emptyTable
	}
	out, ok := t.wraps[key]
	if !ok {
		data := slices.Clone(t.data[key.table])
		for n := 1; n*t.words < len(data); n++ {
			if v := data[n*t.words : (n+1)*t.words]; v[0] < impossible {
				add(v, n)
			}
		}
		out = t.leaf(t.trim(data))
		t.wraps[key] = out
	}
	return out
}

// forbid marks a count as impossible.
func forbid(v []uint64) {
	clear(v)
	v[0] = impossible
}

// trim gives every impossible count the same cost, and cuts those at the end.
func (t *tables) trim(data []uint64) []uint64 {
	end := t.words
	for at := 0; at < len(data); at += t.words {
		if data[at] < impossible {
			end = at + t.words
		} else {
			forbid(data[at : at+t.words])
		}
	}
	return data[:end:end]
}

// merge is the table of two vertices together: for each count the cheapest
// split.
func (t *tables) merge(a, b int32) int32 {
	if a == emptyTable {
		return b
	}
	if b == emptyTable {
		return a
	}
	key := [2]int32{min(a, b), max(a, b)}
	id, ok := t.merged[key]
	if !ok {
		id = t.add(t.combine(t.data[a], t.data[b]))
		t.merged[key] = id
	}
	return id
}

func (t *tables) combine(a, b []uint64) []uint64 {
	w := t.words
	size := min(len(a)/w+len(b)/w-1, t.limit+1)
	out := make([]uint64, size*w)
	for i := range out {
		out[i] = math.MaxUint64
	}
	for i := 0; i*w < len(a); i++ {
		x := a[i*w : (i+1)*w]
		if x[0] >= impossible {
			continue
		}
		end := min(len(b)/w, size-i)
		switch w {
		case 1:
			row := out[i : i+end]
			for j, y := range b[:end] {
				row[j] = min(row[j], x[0]+y)
			}
		case 2:
			x0, x1 := x[0], x[1]
			row := out[2*i : 2*(i+end)]
			y := b[:2*end]
			for j := 0; j+1 < len(y) && j+1 < len(row); j += 2 {
				if hi := x0 + y[j]; hi <= row[j] {
					if lo := x1 + y[j+1]; hi < row[j] || lo < row[j+1] {
						row[j], row[j+1] = hi, lo
					}
				}
			}
		default:
			for j := range end {
				lessSum(out[(i+j)*w:(i+j+1)*w], x, b[j*w:(j+1)*w])
			}
		}
	}
	return t.trim(out)
}

// lessSum sets out to x+y where that is less.
func lessSum(out, x, y []uint64) {
	for k := range out {
		sum := x[k] + y[k]
		if sum > out[k] {
			return
		}
		if sum < out[k] {
			for ; k < len(out); k++ {
				out[k] = x[k] + y[k]
			}
			return
		}
	}
}

// split finds how many of n pods lie left in the merge of two tables: the most
// that reach the least cost.
func (t *tables) split(whole, left, right int32, n int) int {
	if left == emptyTable {
		return 0
	}
	if right == emptyTable {
		return n
	}
	want := t.cost(whole, n)
	for i := min(n, t.most(left)); i >= max(0, n-t.most(right)); i-- {
		if equalSum(want, t.cost(left, i), t.cost(right, n-i)) {
			return i
		}
	}
	panic("placement: a table disagrees with the tables it was merged from")
}

func equalSum(want, x, y []uint64) bool {
	for k := range want {
		if want[k] != x[k]+y[k] {
			return false
		}
	}
	return true
}
