package render

// recent remembers what was used of late: at least the last most units of size, and at most twice as much. What is used again
// stays, however much comes by once.
type recent[V any] struct {
	most       int
	young, old map[string]sized[V]
	used       int // size of young
}

type sized[V any] struct {
	value V
	size  int
}

func newRecent[V any](most int) *recent[V] {
	return &recent[V]{most: most, young: map[string]sized[V]{}}
}

func (r *recent[V]) get(key string) (value V, ok bool) {
	if found, ok := r.young[key]; ok {
		return found.value, true
	}
	found, ok := r.old[key]
	if ok {
		r.put(key, found.value, found.size)
	}
	return found.value, ok
}

func (r *recent[V]) put(key string, value V, size int) {
	if r.used > 0 && r.used+size > r.most {
		r.old, r.young, r.used = r.young, map[string]sized[V]{}, 0
	}
	if before, ok := r.young[key]; ok {
		r.used -= before.size
	}
	r.young[key] = sized[V]{value, size}
	r.used += size
}
