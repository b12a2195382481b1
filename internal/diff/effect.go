package diff

import (
	"cmp"
	"math/big"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Effect is what a change does to running pods, as far as the manifest tells. Its zero value is "nothing".
type Effect struct {
	Images []ImageChange `json:"images,omitempty"`
	// Restarts is whether a workload's pods are replaced, because its pod template changes; Pods is how many there are,
	// on head. Of a DaemonSet and where an autoscaler decides, the manifest does not tell: Pods counts what it says.
	Restarts bool `json:"restarts,omitempty"`
	Pods     int  `json:"pods,omitempty"`
	// CPU and Memory are by how much the requests of all pods of the object grow or shrink.
	CPU    int64 `json:"cpu_millis,omitempty"`
	Memory int64 `json:"memory_bytes,omitempty"`
}

// ImageChange is one image of an object that another takes the place of.
type ImageChange struct {
	Container string `json:"container"`
	Old       string `json:"old,omitempty"` // "" where the container is new
	New       string `json:"new,omitempty"` // "" where it is gone
}

// IsZero reports whether there is no effect.
func (e Effect) IsZero() bool {
	return len(e.Images) == 0 && !e.Restarts && e.CPU == 0 && e.Memory == 0
}

// EffectOf works out what a change does to the pods of the workload that it is about.
func EffectOf(c Change) Effect {
	base, head := podsOf(root(c.Base)), podsOf(root(c.Head))
	var e Effect
	e.Images = imageChanges(base.images, head.images)
	if base.template != nil && head.template != nil && !head.ends {
		w := writer{mask: newMasker(nil)}
		w.mapping(base.template, head.template, 0, &path{nil, ".template"})
		e.Restarts = w.reordered || slices.ContainsFunc(w.lines, func(l line) bool { return l.op != same })
	}
	if e.Restarts {
		e.Pods = int(head.replicas)
	}
	e.CPU = head.cpu*head.replicas - base.cpu*base.replicas
	e.Memory = head.memory*head.replicas - base.memory*base.replicas
	return e
}

// pods is what an object says about its pods.
type pods struct {
	template    *yaml.Node
	ends        bool // a Job's or CronJob's pods are not replaced
	replicas    int64
	images      map[string]string // container → image
	cpu, memory int64             // requested by one pod
}

// maxReplicas bounds what a manifest may claim, so that sums stay within an int64.
const maxReplicas = 1_000_000

func podsOf(object *yaml.Node) pods {
	p := pods{replicas: 1}
	kind, spec := get(object, "kind"), get(object, "spec")
	if kind == nil || spec == nil {
		return p
	}
	template := get(spec, "template")
	switch kind.Value {
	case "CronJob":
		template, p.ends = get(get(get(spec, "jobTemplate"), "spec"), "template"), true
	case "Job":
		p.ends = true
	}
	pod := get(template, "spec")
	if kind.Value == "Pod" {
		pod = spec
	}
	containers := get(pod, "containers")
	if containers == nil || containers.Kind != yaml.SequenceNode {
		return p
	}
	p.template = template
	if n, ok := wholeNumber(get(spec, "replicas"), 1); ok && get(spec, "replicas") != nil {
		p.replicas = min(max(n, 0), maxReplicas)
	}
	p.images = make(map[string]string)
	for _, list := range []string{"containers", "initContainers"} {
		node := get(pod, list)
		if node == nil || node.Kind != yaml.SequenceNode {
			continue
		}
		for _, item := range items(node) {
			name, image := get(item, "name"), get(item, "image")
			if name != nil && image != nil {
				p.images[name.Value] = image.Value
			}
			if list == "containers" {
				requests := get(get(item, "resources"), "requests")
				cpu, _ := wholeNumber(get(requests, "cpu"), 1000)
				memory, _ := wholeNumber(get(requests, "memory"), 1)
				p.cpu += cpu
				p.memory += memory
			}
		}
	}
	return p
}

// wholeNumber reads a quantity in units of 1/scale, rounded up; 0 where there is none, or one beyond reason.
func wholeNumber(node *yaml.Node, scale int64) (int64, bool) {
	if node == nil || len(node.Value) > 64 {
		return 0, false
	}
	q, ok := quantity(node.Value)
	if !ok {
		return 0, false
	}
	q.Mul(q, new(big.Rat).SetInt64(scale))
	n := new(big.Int).Quo(new(big.Int).Add(q.Num(), new(big.Int).Sub(q.Denom(), big.NewInt(1))), q.Denom())
	const most = 1 << 43 // 8 TiB; times maxReplicas it is still an int64
	if !n.IsInt64() || n.Int64() < 0 || n.Int64() > most {
		return 0, false
	}
	return n.Int64(), true
}

func imageChanges(base, head map[string]string) []ImageChange {
	var out []ImageChange
	for name, image := range head {
		if base[name] != image {
			out = append(out, ImageChange{Container: name, Old: base[name], New: image})
		}
	}
	for name, image := range base {
		if _, still := head[name]; !still {
			out = append(out, ImageChange{Container: name, Old: image})
		}
	}
	slices.SortFunc(out, func(a, b ImageChange) int {
		return cmp.Or(strings.Compare(a.Container, b.Container), strings.Compare(a.New, b.New))
	})
	return out
}
