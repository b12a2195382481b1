package rehearse

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/sluice-dev/sluice/internal/crew"
	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
)

// side is one of the two states that are rehearsed.
type side int

const (
	base side = iota
	head
)

// act is one target on the stage.
type act struct {
	target     Target
	findings   [2]finding.List // by side
	gone       finding.List    // about the removal of what head no longer has
	leftOut    map[string]int
	judged     int // of head
	removed    int // of base
	incomplete bool
	server     string
}

// stage is one API server, on which the targets of a round are rehearsed together.
type stage struct {
	api    *client
	acts   []*act
	around []*manifest.Object

	mu     sync.Mutex
	stored map[manifest.ID]piece // what the server has of the targets
}

// concurrency is how many objects are on their way to the API server at once. More does not make it faster: see
// docs/rehearsal.md.
const concurrency = 32

func newStage(api *client) *stage {
	return &stage{api: api, stored: make(map[manifest.ID]piece)}
}

func (s *stage) add(t Target) {
	a := &act{target: t, leftOut: make(map[string]int), server: s.api.version}
	if minor := minorOf(s.api.version); t.Kubernetes != "" && minor != t.Kubernetes {
		a.findings[head] = append(a.findings[head], finding.Finding{Rule: RuleVersion, Severity: finding.Notice, Message: fmt.Sprintf(
			"the rehearsal ran on Kubernetes %s, the environment has %s: what differs between the two was not seen", minor, t.Kubernetes)})
	}
	s.acts = append(s.acts, a)
	s.around = append(s.around, t.Around...)
}

// minorOf gives "1.37" of "v1.37.0".
func minorOf(version string) string {
	parts := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}

func (a *act) result() Result {
	return Result{
		Base: a.findings[base], Head: a.findings[head], Gone: a.gone, Objects: a.judged, Removed: a.removed, LeftOut: a.leftOut,
		Server: a.server, Incomplete: a.incomplete,
	}
}

// scene is the pieces of all targets on one side, and whose they are.
type scene struct {
	side     side
	pieces   []piece
	owners   []*act // nil for what is around
	outcomes []judgement
}

// play rehearses what was added. An error means that the API server does not answer any more, or that ctx ended.
func (s *stage) play(ctx context.Context) error {
	if s.api.dryRun {
		return s.audition(ctx)
	}
	if err := s.clear(ctx); err != nil {
		return err
	}
	before, after := s.scene(base), s.scene(head)
	shareClasses(before.pieces, after.pieces)
	for _, sc := range []*scene{before, after} {
		if err := s.furnish(ctx, sc.pieces); err != nil {
			return err
		}
		if err := s.perform(ctx, sc); err != nil {
			return err
		}
		sc.report()
	}
	return s.strike(ctx, before, after)
}

// scene prepares the pieces of a side.
func (s *stage) scene(which side) *scene {
	sc := &scene{side: which}
	seen := make(map[manifest.ID]bool)
	onBase := make(map[manifest.ID]*manifest.Object)
	if which == head {
		for _, a := range s.acts {
			for _, o := range a.target.Base {
				onBase[o.ID] = o
			}
		}
	}
	add := func(o *manifest.Object, owner *act) {
		sc.pieces = append(sc.pieces, prepare(o, onBase[o.ID], s.api.dryRun))
		sc.owners = append(sc.owners, owner)
		seen[o.ID] = true
	}
	for _, a := range s.acts {
		for _, o := range a.objects(which) {
			add(o, a)
		}
	}
	for _, o := range s.around {
		if which == base && !seen[o.ID] && !s.renders(o.ID) {
			add(o, nil)
		}
	}
	sc.outcomes = make([]judgement, len(sc.pieces))
	return sc
}

func (a *act) objects(which side) []*manifest.Object {
	if which == base {
		return a.target.Base
	}
	return a.target.Head
}

// renders reports whether a target of the stage has an object on either side.
func (s *stage) renders(id manifest.ID) bool {
	has := func(o *manifest.Object) bool { return o.ID == id }
	return slices.ContainsFunc(s.acts, func(a *act) bool {
		return slices.ContainsFunc(a.target.Base, has) || slices.ContainsFunc(a.target.Head, has)
	})
}

// perform applies the pieces of a side, phase by phase.
//
// On base, the policies come last, and the server is then asked once more about what it has already: an object that a
// policy refuses must be there all the same, so that what head changes about it can be judged.
func (s *stage) perform(ctx context.Context, sc *scene) error {
	schemas, err := s.openapi(ctx)
	if err != nil {
		return err
	}
	phases := order(sc.pieces)
	if sc.side == base {
		slices.SortStableFunc(phases, func(a, b phase) int { return int(a.after/policies) - int(b.after/policies) })
	}
	for n, phase := range phases {
		if err := s.each(ctx, phase.pieces, func(ctx context.Context, i int) error { return s.apply(ctx, sc, i) }); err != nil {
			return err
		}
		switch phase.after {
		case definitions:
			err = s.awaitDefinitions(ctx, sc, phase.pieces, schemas)
		case policies:
			if n+1 == len(phases) || phases[n+1].after != policies {
				err = s.awaitPolicies(ctx, sc)
			}
		}
		if err != nil {
			return err
		}
	}
	if sc.side == head {
		return nil
	}
	if last := len(phases) - 1; last >= 0 && phases[last].after == policies {
		if err := s.ask(ctx, sc); err != nil {
			return err
		}
	}
	return s.bindClaims(ctx, sc)
}

// each works on pieces concurrently.
func (s *stage) each(ctx context.Context, pieces []int, work func(ctx context.Context, i int) error) error {
	group, ctx := crew.WithContext(ctx)
	group.SetLimit(concurrency)
	for _, i := range pieces {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error { return work(ctx, i) })
	}
	return group.Wait()
}

// apply applies one piece.
func (s *stage) apply(ctx context.Context, sc *scene, i int) error {
	p := sc.pieces[i]
	if p.leftOut != "" {
		return nil
	}
	r, ok, err := s.lookUp(ctx, p)
	if err != nil || !ok {
		sc.outcomes[i] = s.unserved(p)
		return err
	}
	body, err := json.Marshal(p.value)
	if err != nil {
		return fmt.Errorf("%s: %w", p.object.ID, err)
	}
	_, updating := s.has(p.object.ID)
	err = s.insist(ctx, func() error { return s.api.apply(ctx, r, p.object.ID, body, true, p.judged != "") })
	err = s.elaborate(ctx, r, p, err)
	outcome, broken := answer(err, p, updating && sc.side == head, false)
	if broken != nil {
		return broken
	}
	sc.outcomes[i] = outcome
	switch {
	case p.judged != "":
		return nil
	case err == nil:
		s.keep(p)
	case sc.side == base && !outcome.mute && s.api.create(ctx, r, p.object.ID, p.value) == nil:
		s.keep(p) // what is wrong with it must not hide what head changes about it
	}
	return nil
}

// elaborate asks for more where server-side apply named only the first of the fields that it does not know.
func (s *stage) elaborate(ctx context.Context, r resource, p piece, err error) error {
	if !isTyped(err) {
		return err
	}
	if more := s.api.examine(ctx, r, p.object.ID, p.value); more != nil && unknownField().MatchString(more.Error()) {
		return more
	}
	return err
}

func (s *stage) has(id manifest.ID) (piece, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.stored[id]
	return p, ok
}

func (s *stage) keep(p piece) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stored[p.object.ID] = p
}

// lookUp finds how the server serves a piece's kind.
func (s *stage) lookUp(ctx context.Context, p piece) (resource, bool, error) {
	return s.api.resource(ctx, p.object.ID.Group, p.object.Version, p.object.ID.Kind)
}

// unserved judges a piece of a kind that the server does not serve. That is a refusal where the server knows the group, or
// where the definition is there and has no such version.
func (s *stage) unserved(p piece) judgement {
	if s.api.isNative(p.object.ID.Group) || s.defines(p.object.ID) {
		return judgement{findings: finding.List{p.finding(RuleRefused, "apiVersion", fmt.Sprintf(
			"the API server does not serve %s %s", p.object.APIVersion(), p.object.ID.Kind))}}
	}
	return judgement{leftOut: whyUndefined}
}

// defines reports whether the server has a definition for a kind.
func (s *stage) defines(id manifest.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.stored {
		if group, kind := p.defines(); p.isDefinition() && group == id.Group && kind == id.Kind {
			return true
		}
	}
	return false
}

// defines gives the group and kind that a definition is about.
func (p piece) defines() (group, kind string) {
	spec, _ := p.value["spec"].(map[string]any)
	names, _ := spec["names"].(map[string]any)
	return text(spec["group"]), text(names["kind"])
}

// ask has the server judge what it stores already, by the policies that it has since.
func (s *stage) ask(ctx context.Context, sc *scene) error {
	all := make([]int, len(sc.pieces))
	for i := range all {
		all[i] = i
	}
	return s.each(ctx, all, func(ctx context.Context, i int) error {
		p := sc.pieces[i]
		if _, stored := s.has(p.object.ID); !stored || len(sc.outcomes[i].findings) > 0 || p.isPolicy() {
			return nil
		}
		r, ok, err := s.lookUp(ctx, p)
		if err != nil || !ok {
			return err
		}
		body, err := json.Marshal(p.value)
		if err != nil {
			return err
		}
		outcome, err := answer(s.insist(ctx, func() error { return s.api.apply(ctx, r, p.object.ID, body, true, true) }), p, false, false)
		sc.outcomes[i] = outcome
		return err
	})
}

// report gives the outcomes of a side to the targets, in the order of their objects.
func (sc *scene) report() {
	for i, p := range sc.pieces {
		a, outcome := sc.owners[i], sc.outcomes[i]
		if a == nil {
			continue
		}
		a.findings[sc.side] = append(a.findings[sc.side], outcome.findings...)
		if sc.side == base {
			continue
		}
		why := p.leftOut
		if why == "" {
			why = outcome.leftOut
		}
		switch {
		case why != "":
			a.leftOut[why]++
		case outcome.mute:
			a.incomplete = true
		default:
			a.judged++
			if p.judged != "" {
				a.leftOut[p.judged]++
			}
		}
	}
}
