package pipeline

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/sluice-dev/sluice/internal/manifest"
	"github.com/sluice-dev/sluice/internal/plan"
	"github.com/sluice-dev/sluice/internal/policy"
)

// neighbours finds, for one target, the objects of its environment's other targets that rules must know: those with the same host or
// the same identity, and those that select its pods or are selected by its own. Which targets may have any is said by their outlines, so
// that a change of one target renders a few others at most.
type neighbours struct {
	judge *judge
	scene *scene

	mu       sync.Mutex
	outlines map[clusterKey]func() *outline
	facts    map[string]fileFacts // by a file's content
	rendered map[string]func() ([]*manifest.Object, error)
	makers   map[clusterKey]func() []plan.Target // see makersFor
	amenders map[clusterKey]func() []amender     // see amending
}

// Bounds of the targets that are rendered for another one.
const (
	maxShared  = 20 // that have the same host, or the same object
	maxOpaque  = 20 // whose sources do not say what they deploy
	maxSought  = 3  // of those that may have the pods that one object selects, or select one target's
	sharedApps = "all"
)

func newNeighbours(j *judge, s *scene) *neighbours {
	return &neighbours{
		judge: j, scene: s, outlines: make(map[clusterKey]func() *outline),
		facts: make(map[string]fileFacts), rendered: make(map[string]func() ([]*manifest.Object, error)),
		makers: make(map[clusterKey]func() []plan.Target), amenders: make(map[clusterKey]func() []amender),
	}
}

// around finds the neighbours of a target's objects on a side, where a rule looks at them.
func (j *judge) around(ctx context.Context, rules *rulebook, target plan.Target, objects []*manifest.Object, head bool) ([]policy.Neighbour, error) {
	if !rules.looksAround(target.Environment) {
		return nil, nil
	}
	return j.beside.of(ctx, target, objects, head)
}

// of gives what a target's objects must be seen together with, on one side.
func (n *neighbours) of(ctx context.Context, target plan.Target, objects []*manifest.Object, head bool) ([]policy.Neighbour, error) {
	if n == nil || len(objects) == 0 {
		return nil, nil
	}
	o := n.outline(clusterKey{target.Environment, head})
	q := newQuestions(target, objects)
	var out []policy.Neighbour
	for _, at := range q.ask(o) {
		other := o.targets[at]
		theirs, err := n.render(ctx, other, head)
		if err != nil {
			return nil, err
		}
		for _, object := range theirs {
			if same, matters := q.matters(object, other); matters {
				out = append(out, policy.Neighbour{Target: other.ID, Object: object, Same: same})
			}
		}
	}
	return out, nil
}

func (n *neighbours) side(head bool) (Tree, plan.Snapshot) {
	if head {
		return n.judge.check.Head.Tree, n.scene.head
	}
	return n.judge.check.Base.Tree, n.scene.base
}

func (n *neighbours) outline(key clusterKey) *outline {
	n.mu.Lock()
	known, ok := n.outlines[key]
	if !ok {
		known = sync.OnceValue(func() *outline {
			tree, snapshot := n.side(key.head)
			return newOutline(snapshot, key.environment, tree, n.factsOf)
		})
		n.outlines[key] = known
	}
	n.mu.Unlock()
	return known()
}

// factsOf reads a file once, whichever side it is on.
func (n *neighbours) factsOf(tree Tree, file string) fileFacts {
	oid, hasOID := tree.OID(file)
	n.mu.Lock()
	known, ok := n.facts[oid]
	n.mu.Unlock()
	if ok && hasOID {
		return known
	}
	data, err := tree.ReadFile(file)
	if err != nil {
		return fileFacts{}
	}
	known = readFacts(file, data)
	if hasOID {
		n.mu.Lock()
		n.facts[oid] = known
		n.mu.Unlock()
	}
	return known
}

// leftOut says of which environments not all targets were looked at that may matter.
func (n *neighbours) leftOut() (notes []string) {
	if n == nil {
		return nil
	}
	n.mu.Lock()
	outlines := maps.Clone(n.outlines)
	n.mu.Unlock()
	for key, outlined := range outlines {
		if more := len(outlined().opaque) - maxOpaque; more > 0 && key.head {
			notes = append(notes, fmt.Sprintf("rules about a whole environment did not see %s of %s, whose charts, remote bases, replacements or patches make names that no source has",
				count(more, "target"), key.environment))
		}
	}
	slices.Sort(notes)
	return notes
}

// render gives the objects of another target, none for one that fails: that is said where it is judged itself.
func (n *neighbours) render(ctx context.Context, target plan.Target, head bool) ([]*manifest.Object, error) {
	key := target.ID
	if head {
		key += "\x00head"
	}
	n.mu.Lock()
	render, ok := n.rendered[key]
	if !ok {
		render = sync.OnceValues(func() ([]*manifest.Object, error) {
			tree, _ := n.side(head)
			rendering, err := n.judge.renderer.Render(ctx, tree, target)
			return rendering.Objects, err
		})
		n.rendered[key] = render
	}
	n.mu.Unlock()
	return render()
}

// questions are what one target's objects ask of the others.
type questions struct {
	target     plan.Target
	ids        map[manifest.ID]bool // that no other target may deploy
	hosts      []string
	namespaces map[string]bool // of what selects, is selected or scaled
	selectors  []selector      // that select no pod of the target
	pods       map[string][]map[string]string
	wants      []kindIn // kinds of others that may select or scale the target's pods
}

// selector is what an object selects pods by, in its namespace.
type selector struct {
	namespace string
	labels    map[string]string
}

func newQuestions(target plan.Target, objects []*manifest.Object) *questions {
	q := &questions{target: target, ids: make(map[manifest.ID]bool), namespaces: make(map[string]bool), pods: make(map[string][]map[string]string)}
	for _, o := range objects {
		if o.ID.Namespace != "" || slices.Contains(clusterScoped, o.ID.Kind) {
			q.ids[o.ID] = true // what has no namespace of its own may go anywhere
		}
		if slices.Contains(routeKinds, o.ID.Kind) {
			q.hosts = append(q.hosts, hostsOf(o.Value())...)
		}
		if o.ID.Namespace == "" || !slices.Contains(seeking, o.ID.Kind) {
			continue
		}
		q.namespaces[o.ID.Namespace] = true
		if labels, ok := podLabels(o.ID.Kind, o.Value()); ok {
			q.pods[o.ID.Namespace] = append(q.pods[o.ID.Namespace], labels)
		}
	}
	for _, o := range objects {
		if labels := selectorOf(o); labels != nil && o.ID.Namespace != "" && !selectsAny(labels, q.pods[o.ID.Namespace]) {
			q.selectors = append(q.selectors, selector{o.ID.Namespace, labels})
		}
	}
	has := func(kind, namespace string) bool {
		return slices.ContainsFunc(objects, func(o *manifest.Object) bool { return o.ID.Kind == kind && o.ID.Namespace == namespace })
	}
	for namespace := range q.pods {
		for _, kind := range []string{"PodDisruptionBudget", "NetworkPolicy", "HorizontalPodAutoscaler"} {
			if kind == "HorizontalPodAutoscaler" || !has(kind, namespace) {
				q.wants = append(q.wants, kindIn{kind, namespace})
			}
		}
	}
	slices.SortFunc(q.wants, func(a, b kindIn) int { return strings.Compare(a.kind+" "+a.namespace, b.kind+" "+b.namespace) })
	return q
}

// ask gives the targets of the outline that may have an answer, in their order.
func (q *questions) ask(o *outline) []int {
	found := make(map[int]bool)
	add := func(candidates []int, limit int) {
		for _, at := range candidates {
			if o.targets[at].ID != q.target.ID && !found[at] && limit > 0 {
				found[at] = true
				limit--
			}
		}
	}
	var same []int
	for id := range q.ids {
		same = append(same, o.objects[id]...)
	}
	if len(q.hosts) > 0 {
		hosts := o.hosts()
		for _, host := range q.hosts {
			same = append(same, hosts[host]...)
		}
	}
	slices.Sort(same)
	add(slices.DeleteFunc(slices.Compact(same), func(at int) bool { return q.replicates(o.targets[at]) }), maxShared)
	if len(q.ids)+len(q.hosts) > 0 {
		add(slices.DeleteFunc(slices.Clone(o.opaque), func(at int) bool { return q.replicates(o.targets[at]) }), maxOpaque)
	}
	for _, s := range q.selectors {
		add(q.selected(o, s), maxSought)
	}
	for _, want := range q.wants {
		var with []int
		for _, spot := range o.kinds[want] {
			with = append(with, spot.target)
		}
		add(with, maxSought)
	}
	var out []int
	for at := range found {
		out = append(out, at)
	}
	slices.Sort(out)
	return out
}

// selected gives the targets whose workloads a selector seems to select; where none does, one that has any workload in the
// namespace, so that it can be said that it selects nothing.
func (q *questions) selected(o *outline, s selector) []int {
	var matching, any []int
	for _, kind := range strings.Fields(workloadKinds) {
		for _, spot := range o.kinds[kindIn{kind, s.namespace}] {
			if o.targets[spot.target].ID == q.target.ID {
				continue
			}
			any = append(any, spot.target)
			objects, _ := manifest.Parse(spot.source.Path, o.files(spot.source.Path))
			for _, object := range objects {
				labels, ok := podLabels(object.ID.Kind, object.Value())
				for key, value := range spot.source.Labels {
					labels[key] = value
				}
				if ok && selectsAny(s.labels, []map[string]string{labels}) {
					matching = append(matching, spot.target)
				}
			}
		}
	}
	if matching == nil && len(any) > 0 && len(q.pods[s.namespace]) == 0 {
		return any[:1]
	}
	return matching
}

// replicates reports whether another target may and will have the same objects and hosts: the same application in another cluster of the
// environment, or a target that stands in the other one's directory.
func (q *questions) replicates(other plan.Target) bool {
	return other.App == q.target.App && other.App != sharedApps ||
		strings.HasPrefix(other.Dir, q.target.Dir+"/") || strings.HasPrefix(q.target.Dir, other.Dir+"/")
}

// matters reports whether an object of another target answers a question; same, whether it is an object that the target deploys too.
func (q *questions) matters(object *manifest.Object, other plan.Target) (same, matters bool) {
	if !q.replicates(other) {
		same = q.ids[object.ID]
		matters = same || len(q.hosts) > 0 && slices.Contains(routeKinds, object.ID.Kind)
	}
	return same, matters || slices.Contains(seeking, object.ID.Kind) && q.namespaces[object.ID.Namespace]
}

// hostsOf gives the hosts of an Ingress or HTTPRoute.
func hostsOf(object map[string]any) (hosts []string) {
	spec := within(object, "spec")
	names, _ := spec["hostnames"].([]any)
	rules, _ := spec["rules"].([]any)
	for _, rule := range rules {
		if rule, ok := rule.(map[string]any); ok {
			names = append(names, rule["host"])
		}
	}
	for _, name := range names {
		if host, ok := name.(string); ok && host != "" {
			hosts = append(hosts, host)
		}
	}
	return hosts
}

// podLabels gives the labels of the pods that an object has; never nil.
func podLabels(kind string, object map[string]any) (labels map[string]string, ok bool) {
	labels = make(map[string]string)
	pod := object
	switch kind {
	case "Pod":
	case "CronJob":
		pod = within(object, "spec", "jobTemplate", "spec", "template")
	case "Service", "PodDisruptionBudget", "NetworkPolicy", "HorizontalPodAutoscaler":
		return labels, false
	default:
		pod = within(object, "spec", "template")
	}
	for key, value := range within(pod, "metadata", "labels") {
		if text, isText := value.(string); isText {
			labels[key] = text
		}
	}
	return labels, pod != nil
}

// selectorOf gives the labels that an object selects pods by; nil for one that selects none or all.
func selectorOf(o *manifest.Object) map[string]string {
	var selector map[string]any
	switch o.ID.Kind {
	case "Service":
		selector = within(o.Value(), "spec", "selector")
	case "PodDisruptionBudget":
		selector = within(o.Value(), "spec", "selector", "matchLabels")
	case "NetworkPolicy":
		selector = within(o.Value(), "spec", "podSelector", "matchLabels")
	}
	if len(selector) == 0 {
		return nil
	}
	labels := make(map[string]string)
	for key, value := range selector {
		labels[key], _ = value.(string)
	}
	return labels
}

func selectsAny(selector map[string]string, pods []map[string]string) bool {
	return slices.ContainsFunc(pods, func(labels map[string]string) bool {
		for key, value := range selector {
			if have, ok := labels[key]; !ok || have != value {
				return false
			}
		}
		return true
	})
}

// within follows fields; nil where there is no mapping.
func within(object map[string]any, fields ...string) map[string]any {
	for _, field := range fields {
		object, _ = object[field].(map[string]any)
	}
	return object
}
