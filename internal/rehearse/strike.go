package rehearse

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
)

// protection are the finalizers that Kubernetes' own controllers remove. They do not run here, so that what they hold stays;
// in a live cluster they wait only until nothing uses the object, or until what it stood for is gone.
var protection = []string{
	"kubernetes.io/pvc-protection", "kubernetes.io/pv-protection", "foregroundDeletion", "orphan", "batch.kubernetes.io/job-tracking",
	"service.kubernetes.io/load-balancer-cleanup", "external-attacher/", "external-provisioner.volume.kubernetes.io/finalizer",
}

// strike removes what head no longer has, as a deployer that prunes does, last things first. What a target of the stage keeps
// stays, even if it is another target than before.
func (s *stage) strike(ctx context.Context, before, after *scene) error {
	gone := before.without(after)
	for _, phase := range slices.Backward(order(before.pieces)) {
		pieces := slices.DeleteFunc(phase.pieces, func(i int) bool { return !gone[i] })
		if err := s.each(ctx, pieces, func(ctx context.Context, i int) error { return s.strikeOne(ctx, before, i) }); err != nil {
			return err
		}
		for _, i := range pieces {
			p := before.pieces[i]
			if _, stored := s.has(p.object.ID); !stored || !p.isDefinition() {
				continue
			}
			if err := s.lose(ctx, p, after); err != nil {
				return err
			}
		}
	}
	before.reportGone(gone)
	return nil
}

// without gives the pieces of targets, by index, that another side does not have.
func (sc *scene) without(other *scene) map[int]bool {
	kept := make(map[manifest.ID]bool)
	for _, p := range other.pieces {
		kept[p.object.ID] = true
	}
	gone := make(map[int]bool)
	for i, p := range sc.pieces {
		if sc.owners[i] != nil && !kept[p.object.ID] {
			gone[i] = true
		}
	}
	return gone
}

// strikeOne removes a piece and puts what there is to say about that in the place of what was said about its application. What
// could not be stored cannot be removed.
func (s *stage) strikeOne(ctx context.Context, before *scene, i int) error {
	p, outcome := before.pieces[i], &before.outcomes[i]
	if _, stored := s.has(p.object.ID); !stored {
		switch {
		case p.leftOut != "":
			outcome.leftOut = p.leftOut
		case p.judged != "":
			outcome.leftOut = p.judged
		case outcome.leftOut == "" && !outcome.mute:
			outcome.leftOut = whyUnstored
		}
		if !outcome.mute {
			outcome.findings = nil
		}
		return nil
	}
	var err error
	*outcome, err = s.remove(ctx, p)
	return err
}

// reportGone gives the targets what was said about the removal of their pieces, in the order of their objects.
func (sc *scene) reportGone(gone map[int]bool) {
	for i := range sc.pieces {
		if !gone[i] {
			continue
		}
		a, outcome := sc.owners[i], sc.outcomes[i]
		a.gone = append(a.gone, outcome.findings...)
		switch {
		case outcome.leftOut != "":
			a.leftOut[outcome.leftOut]++
		case outcome.mute:
			a.incomplete = true
		default:
			a.removed++
		}
	}
}

// remove deletes an object, and says what its deletion waits for.
func (s *stage) remove(ctx context.Context, p piece) (judgement, error) {
	r, ok, err := s.lookUp(ctx, p)
	if err != nil || !ok {
		return judgement{leftOut: whyUndefined}, err
	}
	err = s.api.remove(ctx, r, p.object.ID)
	if apierrors.IsNotFound(err) {
		return judgement{}, nil
	}
	if err != nil {
		return cannotGo(answer(err, p, false, false))
	}
	left, err := s.api.read(ctx, r, p.object.ID)
	switch {
	case apierrors.IsNotFound(err):
		return judgement{}, nil
	case err != nil:
		return answer(err, p, false, false)
	}
	return judgement{findings: waiting(p, left.GetFinalizers())}, nil
}

// cannotGo says of the refusal of a removal that it is one.
func cannotGo(outcome judgement, err error) (judgement, error) {
	for i := range outcome.findings {
		if f := &outcome.findings[i]; f.Rule == RuleRefused {
			f.Message = "the API server refuses to remove this object: " + strings.TrimPrefix(f.Message, refusesObject)
		}
	}
	return outcome, err
}

// waiting finds what the removal of an object waits for, by its finalizers.
func waiting(p piece, finalizers []string) finding.List {
	var others, own []string
	for _, name := range finalizers {
		switch {
		case p.isDefinition() && strings.HasPrefix(name, "customresourcecleanup."): // the API server's own, at work
		case slices.ContainsFunc(protection, func(known string) bool {
			return name == known || strings.HasSuffix(known, "/") && strings.HasPrefix(name, known)
		}):
			own = append(own, name)
		default:
			others = append(others, name)
		}
	}
	switch {
	case len(others) > 0:
		f := p.finding(RuleFinalizers, "metadata.finalizers", fmt.Sprintf(
			"the removal of this object waits until something removes its finalizers (%s): if that is removed too, the object stays for ever", strings.Join(others, ", ")))
		f.Severity = finding.Warning
		return finding.List{f}
	case len(own) > 0:
		f := p.finding(RuleFinalizers, "", fmt.Sprintf("the removal of this object waits until nothing uses it (%s)", strings.Join(own, ", ")))
		f.Severity = finding.Notice
		return finding.List{f}
	}
	return nil
}

// lose finds what head keeps and the removal of its definition deletes.
func (s *stage) lose(ctx context.Context, definition piece, after *scene) error {
	group, kind := definition.defines()
	crds, ok, err := s.lookUp(ctx, definition)
	if err != nil || !ok {
		return err
	}
	gone, err := poll(ctx, noticeTimeout, func(ctx context.Context) (bool, error) {
		_, err := s.api.read(ctx, crds, definition.object.ID)
		if apierrors.IsNotFound(err) {
			return true, nil
		}
		_, err = answer(err, definition, false, false)
		return false, err
	})
	if err != nil {
		return err
	}
	for i, p := range after.pieces {
		a := after.owners[i]
		if a == nil || p.object.ID.Group != group || p.object.ID.Kind != kind {
			continue
		}
		if _, stored := s.has(p.object.ID); !stored {
			continue
		}
		if f := p.lost(definition); gone {
			a.findings[head] = append(a.findings[head], f)
		} else {
			f.Message = fmt.Sprintf("this change removes the CustomResourceDefinition %s: its removal deletes this object, and waits for its finalizers", definition.object.ID.Name)
			a.findings[head] = append(a.findings[head], f)
		}
	}
	return nil
}
