package plan

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
)

// MaxShards bounds into how many parts a run can be split: as many jobs as GitHub runs for one matrix.
const MaxShards = 256

// Shard is one part of a run: the I-th of N, counted from 1. The zero value is the whole.
type Shard struct{ I, N int }

var shardForm = regexp.MustCompile(`^([0-9]{1,3})/([0-9]{1,3})$`)

// ParseShard reads "I/N", such as "2/4".
func ParseShard(text string) (Shard, error) {
	if m := shardForm.FindStringSubmatch(text); m != nil {
		i, _ := strconv.Atoi(m[1])
		n, _ := strconv.Atoi(m[2])
		if s := (Shard{i, n}); s.Valid() {
			return s, nil
		}
	}
	return Shard{}, fmt.Errorf("%q is no shard: write I/N, such as 2/4, with I from 1 to N and N up to %d", text, MaxShards)
}

// Valid reports whether s is a part that can be.
func (s Shard) Valid() bool { return 1 <= s.I && s.I <= s.N && s.N <= MaxShards }

func (s Shard) String() string { return fmt.Sprintf("%d/%d", s.I, s.N) }

// Split parts selections into n shards of about the same cost: the costliest first, each to the shard that has least. The
// same selections and costs always give the same shards; each is in the order of selected. Some may be empty.
func Split(selected []Selection, costs []int, n int) [][]Selection {
	order := make([]int, len(selected))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(costs[b], costs[a]) })
	of := make([]int, len(selected))
	load := make([]int, n)
	for _, i := range order {
		lightest := 0
		for shard := range load {
			if load[shard] < load[lightest] {
				lightest = shard
			}
		}
		of[i] = lightest
		load[lightest] += costs[i]
	}
	shards := make([][]Selection, n)
	for i, sel := range selected {
		shards[of[i]] = append(shards[of[i]], sel)
	}
	return shards
}
