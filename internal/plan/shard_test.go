package plan

import (
	"fmt"
	"strconv"
	"testing"
)

func TestParseShard(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Shard{
		"1/1": {1, 1}, "2/4": {2, 4}, "256/256": {256, 256},
		"": {}, "0/4": {}, "5/4": {}, "1/257": {}, "1": {}, "1/2/3": {}, "-1/4": {}, " 1/4": {}, "1/4\n": {}, "１/4": {},
	} {
		got, err := ParseShard(text)
		if got != want || (err == nil) != want.Valid() {
			t.Errorf("ParseShard(%q) = %v, %v; want %v", text, got, err, want)
		}
		if err == nil && got.String() != text {
			t.Errorf("%q becomes %q", text, got)
		}
	}
}

// TestSplit holds shards to what they promise: every selection once, in order, and about the same cost.
func TestSplit(t *testing.T) {
	t.Parallel()
	var selected []Selection
	var costs []int
	sum := 0
	for i := range 101 {
		selected = append(selected, Selection{Target: Target{ID: fmt.Sprintf("%03d", i)}})
		costs = append(costs, 1+i*i%17)
		sum += costs[i]
	}
	for n := 1; n <= 12; n++ {
		seen := make(map[string]bool)
		for _, shard := range Split(selected, costs, n) {
			load := 0
			for i, sel := range shard {
				if seen[sel.Target.ID] || i > 0 && shard[i-1].Target.ID >= sel.Target.ID {
					t.Errorf("%d shards: %s is twice, or out of order", n, sel.Target.ID)
				}
				seen[sel.Target.ID] = true
				at, _ := strconv.Atoi(sel.Target.ID)
				load += costs[at]
			}
			if load > sum/n+17 {
				t.Errorf("%d shards: one costs %d of %d", n, load, sum)
			}
		}
		if len(seen) != len(selected) {
			t.Errorf("%d shards hold %d of %d", n, len(seen), len(selected))
		}
	}
	if shards := Split(nil, nil, 3); len(shards) != 3 {
		t.Errorf("nothing in %d shards, want 3 empty ones", len(shards))
	}
}
