package rehearse

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/sluice-dev/sluice/internal/finding"
)

// How long the API server may take to act upon what it has stored, and how often it is asked.
const (
	establishTimeout = 20 * time.Second
	noticeTimeout    = 3 * time.Second
	pollInterval     = 20 * time.Millisecond
)

// poll asks until the answer is yes; false says that the time is over.
func poll(ctx context.Context, timeout time.Duration, ask func(context.Context) (bool, error)) (bool, error) {
	err := wait.PollUntilContextTimeout(ctx, pollInterval, timeout, true, ask)
	if wait.Interrupted(err) && ctx.Err() == nil {
		return false, nil
	}
	return err == nil, err
}

// awaitDefinitions waits until the server serves what was defined. What it cannot serve is a finding of the definition.
func (s *stage) awaitDefinitions(ctx context.Context, sc *scene, pieces []int, before map[string]string) error {
	crds, ok, err := s.api.resource(ctx, "apiextensions.k8s.io", "v1", "CustomResourceDefinition")
	if err != nil || !ok {
		return err
	}
	err = s.each(ctx, pieces, func(ctx context.Context, i int) error {
		p := sc.pieces[i]
		if _, stored := s.has(p.object.ID); !stored {
			return nil
		}
		var why string
		served, err := poll(ctx, establishTimeout, func(ctx context.Context) (bool, error) {
			crd, err := s.api.read(ctx, crds, p.object.ID)
			if err != nil {
				return false, err
			}
			var yes bool
			yes, why = established(crd)
			if !yes || why != "" {
				return why != "", nil
			}
			return s.announced(ctx, p)
		})
		if err == nil && (!served || why != "") {
			sc.outcomes[i].findings = append(sc.outcomes[i].findings, p.finding(RuleRefused, "spec.names", "the API server does not serve this definition: "+why))
		}
		return err
	})
	if err != nil {
		return err
	}
	s.api.forget()
	if sc.side == head {
		return s.awaitSchemas(ctx, sc, pieces, before)
	}
	return nil
}

// announced reports whether the server lists all versions of a definition that it is to serve: it does so a moment after it
// accepts the definition.
func (s *stage) announced(ctx context.Context, p piece) (bool, error) {
	group, kind := p.defines()
	for _, version := range versionsOf(p.value) {
		if version["served"] != true {
			continue
		}
		known, err := s.api.discover(ctx, schema.GroupVersion{Group: group, Version: text(version["name"])})
		if err != nil {
			return false, err
		}
		if _, ok := known[kind]; !ok {
			return false, nil
		}
	}
	return true, nil
}

// established reports whether a definition is served, or why it will not be.
func established(crd *unstructured.Unstructured) (yes bool, why string) {
	conditions, _, _ := unstructured.NestedSlice(crd.Object, "status", "conditions")
	for _, c := range conditions {
		condition, _ := c.(map[string]any)
		switch {
		case condition["type"] == "Established" && condition["status"] == "True":
			yes = true
		case condition["type"] == "NamesAccepted" && condition["status"] == "False":
			why = text(condition["message"])
		}
	}
	return yes, why
}

// openapi gives what the server publishes of each group and version: an address that changes with the schemas.
func (s *stage) openapi(ctx context.Context) (map[string]string, error) {
	var index struct {
		Paths map[string]struct{ ServerRelativeURL string }
	}
	if err := s.api.get(ctx, "/openapi/v3", &index); err != nil {
		return nil, err
	}
	out := make(map[string]string)
	for path, at := range index.Paths {
		out[path] = at.ServerRelativeURL
	}
	return out, nil
}

// awaitSchemas waits until the server judges by the schemas that head gives definitions: it notices a moment after it has
// stored them, and publishes them after that. Where it never does, its answers count as they come.
func (s *stage) awaitSchemas(ctx context.Context, sc *scene, pieces []int, before map[string]string) error {
	waiting := make(map[string]bool)
	for _, i := range pieces {
		p := sc.pieces[i]
		for _, a := range s.acts {
			for _, old := range a.target.Base {
				if old.ID == p.object.ID && !reflect.DeepEqual(versionsOf(old.Value()), versionsOf(p.value)) {
					for _, version := range versionsOf(p.value) {
						group, _ := p.defines()
						waiting["apis/"+schema.GroupVersion{Group: group, Version: text(version["name"])}.String()] = true
					}
				}
			}
		}
	}
	if len(waiting) == 0 {
		return nil
	}
	_, err := poll(ctx, noticeTimeout, func(ctx context.Context) (bool, error) {
		now, err := s.openapi(ctx)
		for path := range waiting {
			if now[path] != before[path] {
				delete(waiting, path)
			}
		}
		return len(waiting) == 0, err
	})
	return err
}

// versionsOf gives what decides about objects in the versions of a definition.
func versionsOf(crd map[string]any) (versions []map[string]any) {
	spec, _ := crd["spec"].(map[string]any)
	list, _ := spec["versions"].([]any)
	for _, v := range list {
		version, _ := v.(map[string]any)
		versions = append(versions, map[string]any{"name": version["name"], "served": version["served"], "schema": version["schema"]})
	}
	return versions
}

// noParameters is how a policy refuses whose parameters the server has not noticed yet.
var noParameters = pattern(`no params found for policy binding|failed to find resource referenced by paramKind|paramKind kind .* not known`)

// insist repeats what a policy refuses for want of its parameters, for a while.
func (s *stage) insist(ctx context.Context, call func() error) error {
	var last error
	_, err := poll(ctx, noticeTimeout, func(context.Context) (bool, error) {
		last = call()
		return last == nil || !noParameters().MatchString(last.Error()), nil
	})
	if err != nil {
		return err
	}
	return last
}

// lost is a finding of an object that the removal of another one deletes.
func (p piece) lost(by piece) finding.Finding {
	return p.finding(RuleLost, "", fmt.Sprintf("this change removes the CustomResourceDefinition %s, and with it the API server deletes this object, which the change keeps", by.object.ID.Name))
}
