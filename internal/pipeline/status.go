package pipeline

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/plan"
	"github.com/sluice-dev/sluice/internal/promote"
)

// Status says, per application, how far each environment is behind the one before it. Its JSON form has a version and only grows.
type Status struct {
	Version      int         `json:"version"`
	Commit       string      `json:"commit"`
	Environments []string    `json:"environments"` // in promotion order
	Rows         []StatusRow `json:"targets"`
	// Leaks are directories outside any target that targets of several stages are built from: a change there reaches all of them at
	// once (promotion/leak).
	Leaks []string `json:"leaks"`
	// Offers are what later environments changed first.
	Offers []Offer `json:"offers"`
	// Recent is the time since which a change counts as one that people should hear of, RFC 3339, which the caller adds.
	Recent   string       `json:"-"`
	Notes    []string     `json:"notes,omitempty"`
	Findings finding.List `json:"findings,omitempty"`
}

// StatusRow is one target.
type StatusRow struct {
	App         string   `json:"app"`
	Environment string   `json:"environment"`
	Target      string   `json:"target"`
	Images      []string `json:"images"` // that the target's own kustomization sets, as NAME:TAG or NAME@DIGEST
	// Before is the target that this one gets its changes from; "" for those of the first stage, whose figures below are zero.
	Before    string `json:"before"`
	Behind    int    `json:"behind"`    // files that a promotion would change
	Conflicts int    `json:"conflicts"` // fields that both sides changed
	Own       int    `json:"own"`       // differences that the target keeps
	Changes   int    `json:"changes"`   // commits of the source that are not promoted, or not all of them
	// Gate is what the gates of the edge say, as far as they can be read, where there is something to promote; Waits the reason of the first closed one.
	Gate  string `json:"gate,omitempty"`
	Waits string `json:"waits,omitempty"`
	// PullRequest is the open one that carries the edge; nil for none, or where GitHub was not asked.
	PullRequest *PullRequest `json:"pull_request,omitempty"`
	// Oldest is the commit of the oldest change in the source that is not promoted; Since its time, RFC 3339, which the caller adds.
	Oldest string `json:"oldest,omitempty"`
	Since  string `json:"since,omitempty"`
}

// Moves reports whether anything is to be promoted along an edge, or to be settled.
func (e PromotionEdge) Moves() bool { return len(e.Files)+len(e.Conflicts) > 0 }

// Status gives the state of every edge of a plan, which is p's. The errors are those of Run.
func (p *Promotion) Status(ctx context.Context, planned *PromotionPlan) (*Status, error) {
	out := &Status{Version: 1, Commit: p.Target.Commit, Environments: planned.layout.Environments, Notes: planned.Notes, Findings: planned.Findings, Rows: []StatusRow{}, Leaks: []string{}}
	for _, t := range planned.layout.Targets {
		if len(p.Apps) > 0 && !slices.Contains(p.Apps, t.App) {
			continue
		}
		row := StatusRow{App: t.App, Environment: t.Environment, Target: t.ID, Images: imagesIn(p.Target.Tree, t)}
		for _, e := range planned.Edges {
			if slices.Contains(e.ToTargets, t.ID) {
				row.Before = e.FromTarget
				row.waits(e)
				if err := row.count(e, t, planned.others(e, t), planned); err != nil {
					return nil, err
				}
			}
		}
		out.Rows = append(out.Rows, row)
	}
	for _, e := range planned.Edges {
		out.Leaks = append(out.Leaks, e.Shared...)
	}
	slices.Sort(out.Leaks)
	out.Leaks = slices.Compact(out.Leaks)
	var err error
	if out.Offers, err = p.Offers(ctx); err != nil {
		return nil, err
	}
	rank := func(name string) int { return slices.Index(out.Environments, name) }
	slices.SortStableFunc(out.Rows, func(a, b StatusRow) int {
		if by := strings.Compare(a.App, b.App); by != 0 {
			return by
		}
		return rank(a.Environment) - rank(b.Environment)
	})
	return out, nil
}

// waits says what the edge waits for, and which pull request carries it.
func (r *StatusRow) waits(e PromotionEdge) {
	if e.Moves() || e.Held() {
		r.Gate = e.Gate
		for _, g := range slices.Backward(e.Gates) {
			if !g.Open {
				r.Waits = g.Name + ": " + g.Reason
			}
		}
	}
	if e.PullRequest.Number > 0 {
		r.PullRequest = &e.PullRequest
	}
}

// others gives the directories of an edge's other targets. What is in none of its targets' is in a copy of a shared directory, and
// counts for each.
func (p *PromotionPlan) others(e PromotionEdge, t plan.Target) (out []string) {
	for _, other := range p.layout.Targets {
		if other.ID != t.ID && slices.Contains(e.ToTargets, other.ID) && !isBelow(t.Dir, other.Dir) && t.Dir != other.Dir {
			out = append(out, other.Dir)
		}
	}
	return out
}

// count adds what an edge says of one of its targets; others are the directories of the others.
func (r *StatusRow) count(e PromotionEdge, t plan.Target, others []string, planned *PromotionPlan) error {
	isOurs := func(name string) bool {
		return isBelow(name, t.Dir) || !slices.ContainsFunc(others, func(dir string) bool { return isBelow(name, dir) })
	}
	oldest := 0
	behind := make(map[string]bool) // commits
	for _, f := range e.Files {
		if !isOurs(f.Path) {
			continue
		}
		r.Behind++
		changes, err := planned.changesSince(f)
		if err != nil {
			return fmt.Errorf("history of %s: %w", f.From, err)
		}
		for _, v := range changes {
			behind[v.Commit] = true
			if oldest == 0 || v.Seq < oldest {
				oldest, r.Oldest = v.Seq, v.Commit
			}
		}
	}
	r.Changes = len(behind)
	for _, c := range e.Conflicts {
		if isOurs(c.File) {
			r.Conflicts++
		}
	}
	for _, w := range e.Withheld {
		if isOurs(w.File) {
			r.Own++
		}
	}
	return nil
}

// oldestChange gives the oldest commit whose change of the source is not promoted with one of the files.
func (p *PromotionPlan) oldestChange(files []PromotedFile) (oldest string, err error) {
	first := 0
	for _, f := range files {
		seq, commit, err := p.firstChange(f)
		if err != nil {
			return "", fmt.Errorf("history of %s: %w", f.From, err)
		}
		if commit != "" && (first == 0 || seq < first) {
			first, oldest = seq, commit
		}
	}
	return oldest, nil
}

// Carried gives the commits that an edge promotes: those that changed the source's files since the target's were last changed, the
// newest first.
func (p *PromotionPlan) Carried(e PromotionEdge) ([]string, error) {
	at := make(map[string]int)
	for _, f := range e.Files {
		if f.From == "" {
			continue
		}
		first, _, err := p.firstChange(f)
		if err != nil {
			return nil, err
		}
		versions, _, err := p.history.Versions(f.From)
		if err != nil {
			return nil, err
		}
		for i, v := range versions {
			if first > 0 && v.Seq >= first || first == 0 && i == len(versions)-1 {
				at[v.Commit] = v.Seq
			}
		}
	}
	return slices.SortedFunc(maps.Keys(at), func(a, b string) int { return at[b] - at[a] }), nil
}

// changesSince gives what changed the source's file after the target's was last changed, but for promotions of a part: that is not
// promoted, or not all of it.
func (p *PromotionPlan) changesSince(f PromotedFile) ([]promote.Version, error) {
	ours, _, err := p.history.Versions(f.Path)
	if err != nil || f.From == "" {
		return nil, err
	}
	ours = slices.DeleteFunc(ours, func(v promote.Version) bool { return p.byParts[v.Commit] })
	theirs, _, err := p.history.Versions(f.From)
	if err != nil {
		return nil, err
	}
	last := 0
	if len(ours) > 0 {
		last = ours[len(ours)-1].Seq
	}
	return slices.DeleteFunc(theirs, func(v promote.Version) bool { return v.Seq <= last }), nil
}

// firstChange gives the oldest of these changes; 0 and "" where there is none.
func (p *PromotionPlan) firstChange(f PromotedFile) (seq int, commit string, err error) {
	changes, err := p.changesSince(f)
	if err != nil || len(changes) == 0 {
		return 0, "", err
	}
	return changes[0].Seq, changes[0].Commit, nil
}

// imagesIn gives the images that a target's own kustomization sets. What its bases set is not told: `sluice render` shows it.
func imagesIn(tree Tree, t plan.Target) []string {
	out := []string{}
	for _, name := range []string{"kustomization.yaml", "kustomization.yml", "Kustomization"} {
		data, err := tree.ReadFile(path.Join(t.Dir, name))
		if err != nil {
			continue
		}
		var file struct {
			Images []struct {
				Name    string `yaml:"name"`
				NewName string `yaml:"newName"`
				NewTag  string `yaml:"newTag"`
				Digest  string `yaml:"digest"`
			} `yaml:"images"`
		}
		if err := yaml.NewDecoder(bytes.NewReader(data)).Decode(&file); err != nil {
			return out // its own finding says so
		}
		for _, image := range file.Images {
			text := image.Name
			if image.NewName != "" {
				text = image.NewName
			}
			if image.NewTag != "" {
				text += ":" + image.NewTag
			}
			if image.Digest != "" {
				text += "@" + image.Digest
			}
			out = append(out, text)
		}
		return out
	}
	return out
}
