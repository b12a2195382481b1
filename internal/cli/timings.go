package cli

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sluice-dev/sluice/internal/render"
)

// timings measures what a run takes, for --timings. It never reaches a report: reports of the same inputs are the same
// bytes. A nil timings measures nothing.
type timings struct {
	began  time.Time
	mu     sync.Mutex
	phases []phaseTiming
	sides  map[sideKey]*sideTiming
}

type sideKey struct{ target, side string }

// timingsFile is the form of the file. It only grows. Times are in microseconds of the clock, unless they are of a CPU.
type timingsFile struct {
	Version int           `json:"version"`
	Wall    int64         `json:"wall_us"`
	Workers int           `json:"workers"`
	Phases  []phaseTiming `json:"phases"`
	Targets []sideTiming  `json:"targets"`
}

// phaseTiming is one phase of the whole run. Phases may overlap.
type phaseTiming struct {
	Name string `json:"name"`
	Wall int64  `json:"wall_us"`
}

// sideTiming is one target on one side; what concerns both sides has the side "".
type sideTiming struct {
	Target string           `json:"target"`
	Side   string           `json:"side,omitempty"`
	Render *renderTiming    `json:"render,omitempty"`
	Phases map[string]int64 `json:"phases_us,omitempty"`
}

// renderTiming is one rendering.
type renderTiming struct {
	Wall   int64 `json:"wall_us"`
	Wait   int64 `json:"wait_us"` // for a worker, and for the cache
	CPU    int64 `json:"cpu_us,omitempty"`
	Memory int64 `json:"memory_bytes,omitempty"`
	Cached bool  `json:"cached,omitempty"`
}

func newTimings() *timings { return &timings{began: time.Now(), sides: make(map[sideKey]*sideTiming)} }

// Begin implements pipeline.Stopwatch.
func (t *timings) Begin(phase, target, side string) (end func()) {
	if t == nil {
		return func() {}
	}
	began := time.Now()
	return func() {
		took := time.Since(began).Microseconds()
		t.mu.Lock()
		defer t.mu.Unlock()
		if target == "" {
			t.phases = append(t.phases, phaseTiming{phase, took})
			return
		}
		of := t.of(target, side)
		if of.Phases == nil {
			of.Phases = make(map[string]int64)
		}
		of.Phases[phase] += took
	}
}

// rendered notes a rendering that began at a time and has just ended.
func (t *timings) rendered(target, side string, began time.Time, result render.Result) {
	if t == nil {
		return
	}
	whole := time.Since(began)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.of(target, side).Render = &renderTiming{
		Wall: result.Cost.Wall.Microseconds(), Wait: (whole - result.Cost.Wall).Microseconds(),
		CPU: result.Cost.CPU.Microseconds(), Memory: result.Cost.Memory, Cached: result.Cost == render.Cost{},
	}
}

func (t *timings) of(target, side string) *sideTiming {
	key := sideKey{target, side}
	if t.sides[key] == nil {
		t.sides[key] = &sideTiming{Target: target, Side: side}
	}
	return t.sides[key]
}

// write writes what was measured so far.
func (t *timings) write(file string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := timingsFile{Version: 1, Wall: time.Since(t.began).Microseconds(), Workers: workers(), Phases: t.phases, Targets: []sideTiming{}}
	for _, key := range slices.SortedFunc(maps.Keys(t.sides), func(a, b sideKey) int {
		return cmp.Or(cmp.Compare(a.target, b.target), cmp.Compare(a.side, b.side))
	}) {
		out.Targets = append(out.Targets, *t.sides[key])
	}
	content, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(file, append(content, '\n'))
}
