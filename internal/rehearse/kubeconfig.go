package rehearse

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/sluice-dev/sluice/internal/finding"
)

// kubeconfigProvider gives existing clusters, which are asked and never changed.
type kubeconfigProvider struct{ options Options }

// existing is a cluster that somebody else runs.
type existing struct{ config *rest.Config }

// start implements provider: it reads the kubeconfig, by the rules of kubectl (KUBECONFIG, else the file in the home directory).
func (p kubeconfigProvider) start(_ context.Context, environment, _ string) (server, error) {
	name, ok := p.options.Contexts[environment]
	if !ok {
		name = p.options.Contexts[""]
	}
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		clientcmd.NewDefaultClientConfigLoadingRules(), &clientcmd.ConfigOverrides{CurrentContext: name}).ClientConfig()
	if err != nil {
		return nil, unavailable(err, "there is no cluster to ask: set KUBECONFIG, and name a context of it in rehearse.contexts")
	}
	return existing{config}, nil
}

func (e existing) client(ctx context.Context) (*client, error) {
	c, err := newClient(ctx, e.config, true)
	if err != nil {
		return nil, unavailable(err, "the cluster of the kubeconfig (%s) does not answer: check that it can be reached from here and that the credentials are valid", e.config.Host)
	}
	return c, nil
}

func (existing) dead() error { return nil }
func (existing) stop() error { return nil }

// audition has an existing cluster judge both sides, without a change to it: base first, so that what it refuses already is told
// from what is new.
func (s *stage) audition(ctx context.Context) error {
	var scenes [2]*scene
	for _, which := range []side{base, head} {
		sc := s.scene(which)
		scenes[which] = sc
		all := make([]int, 0, len(sc.pieces))
		for i := range sc.pieces {
			if sc.owners[i] != nil {
				all = append(all, i)
			}
		}
		if err := s.each(ctx, all, func(ctx context.Context, i int) error { return s.try(ctx, sc, i) }); err != nil {
			return err
		}
		sc.report()
	}
	gone := scenes[base].without(scenes[head])
	work := func(ctx context.Context, i int) (err error) {
		scenes[base].outcomes[i], err = s.tryRemove(ctx, scenes[base].pieces[i])
		return err
	}
	if err := s.each(ctx, slices.Sorted(maps.Keys(gone)), work); err != nil {
		return err
	}
	scenes[base].reportGone(gone)
	return nil
}

// tryRemove asks what would come of the removal of an object, and says what that would wait for.
func (s *stage) tryRemove(ctx context.Context, p piece) (judgement, error) {
	if p.leftOut != "" {
		return judgement{leftOut: p.leftOut}, nil
	}
	r, ok, err := s.lookUp(ctx, p)
	if err != nil || !ok {
		return judgement{leftOut: whyAbsent}, err
	}
	lives, err := s.api.read(ctx, r, p.object.ID)
	if apierrors.IsNotFound(err) {
		return judgement{leftOut: whyAbsent}, nil
	}
	if err != nil {
		return answer(err, p, false, true)
	}
	if err := s.api.tryRemove(ctx, r, p.object.ID); err != nil {
		return cannotGo(answer(err, p, false, true))
	}
	return judgement{findings: waiting(p, lives.GetFinalizers())}, nil
}

// try applies a piece without effect. What other managers own is asked for once without and, where that is all that is in the
// way, once with force, so that a conflict does not hide what else is wrong.
func (s *stage) try(ctx context.Context, sc *scene, i int) error {
	p := sc.pieces[i]
	if p.leftOut != "" {
		return nil
	}
	r, ok, err := s.lookUp(ctx, p)
	if err != nil {
		return err
	}
	if !ok {
		sc.outcomes[i] = s.undefined(p, sc)
		return nil
	}
	body, err := json.Marshal(p.value)
	if err != nil {
		return err
	}
	var found finding.List
	for _, force := range []bool{false, true} {
		err := s.elaborate(ctx, r, p, s.api.apply(ctx, r, p.object.ID, body, force, true))
		outcome, broken := answer(err, p, true, true)
		if broken != nil {
			return broken
		}
		found = append(found, outcome.findings...)
		outcome.findings = found
		sc.outcomes[i] = outcome
		if !force && !isConflict(err) {
			break
		}
	}
	return nil
}

// undefined judges a piece of a kind that the cluster does not serve: the change may bring the definition.
func (s *stage) undefined(p piece, sc *scene) judgement {
	for _, d := range sc.pieces {
		if group, kind := d.defines(); d.isDefinition() && group == p.object.ID.Group && kind == p.object.ID.Kind {
			return judgement{leftOut: whyNewKind}
		}
	}
	if s.api.isNative(p.object.ID.Group) {
		return s.unserved(p)
	}
	return judgement{leftOut: whyNewKind}
}
