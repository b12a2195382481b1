package rehearse

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/sluice-dev/sluice/internal/finding"
)

// protection are the finalizers that Kubernetes' own controllers remove. They do not run here, so that what they hold stays;
// in a live cluster they wait only until nothing uses the object.
var protection = []string{"kubernetes.io/pvc-protection", "kubernetes.io/pv-protection", "foregroundDeletion", "orphan", "batch.kubernetes.io/job-tracking"}

// strike removes what head no longer has, as a deployer that prunes does, last things first.
func (s *stage) strike(ctx context.Context, before, after *scene) error {
	kept := make(map[string]bool)
	for _, p := range after.pieces {
		kept[p.object.ID.String()] = true
	}
	phases := order(before.pieces)
	for _, phase := range slices.Backward(phases) {
		gone := slices.DeleteFunc(phase.pieces, func(i int) bool {
			_, stored := s.has(before.pieces[i].object.ID)
			return before.owners[i] == nil || !stored || kept[before.pieces[i].object.ID.String()]
		})
		found := make([]finding.List, len(before.pieces))
		err := s.each(ctx, gone, func(ctx context.Context, i int) (err error) {
			found[i], err = s.remove(ctx, before.pieces[i])
			return err
		})
		if err != nil {
			return err
		}
		for _, i := range gone {
			a := before.owners[i]
			a.findings[head] = append(a.findings[head], found[i]...)
			if p := before.pieces[i]; p.isDefinition() {
				if err := s.lose(ctx, p, after); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// remove deletes an object, and says what its deletion waits for.
func (s *stage) remove(ctx context.Context, p piece) (finding.List, error) {
	r, ok, err := s.lookUp(ctx, p)
	if err != nil || !ok {
		return nil, err
	}
	err = s.api.remove(ctx, r, p.object.ID)
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		outcome, err := answer(err, p, false, false)
		for i := range outcome.findings {
			outcome.findings[i].Message = "this object cannot be removed: " + outcome.findings[i].Message
		}
		return outcome.findings, err
	}
	left, err := s.api.read(ctx, r, p.object.ID)
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		outcome, err := answer(err, p, false, false)
		return outcome.findings, err
	}
	var others, own []string
	for _, name := range left.GetFinalizers() {
		switch {
		case p.isDefinition() && strings.HasPrefix(name, "customresourcecleanup."): // the API server's own, at work
		case slices.Contains(protection, name):
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
		return finding.List{f}, nil
	case len(own) > 0:
		f := p.finding(RuleFinalizers, "", fmt.Sprintf("the removal of this object waits until nothing uses it (%s)", strings.Join(own, ", ")))
		f.Severity = finding.Notice
		return finding.List{f}, nil
	}
	return nil, nil
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
