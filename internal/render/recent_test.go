package render

import (
	"fmt"
	"testing"
)

// What is used again and again stays, whatever comes by; what is not goes.
func TestRecent(t *testing.T) {
	t.Parallel()
	r := newRecent[int](100)
	r.put("shared", 1, 60)
	r.put("once", 2, 10)
	for i := range 1_000 {
		r.put(fmt.Sprint(i), i, 10)
		if v, ok := r.get("shared"); !ok || v != 1 {
			t.Fatalf("after %d others, what is used each time is gone", i)
		}
		if n := len(r.young) + len(r.old); n > 20 {
			t.Fatalf("%d entries are kept", n)
		}
	}
	if _, ok := r.get("once"); ok {
		t.Error("what was used once is still there")
	}
	r.put("huge", 3, 1_000)
	r.put("small", 4, 1)
	for range 3 {
		if v, ok := r.get("huge"); !ok || v != 3 {
			t.Error("what is larger than all the rest is not remembered")
		}
	}
}
