package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"unicode/utf8"

	"github.com/sluice-dev/sluice/internal/diff"
	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/plan"
)

// Shard is what one part of a run has found. Its form is private: another version of the program refuses it.
//
// A file of a shard has passed through other hands. Its form is checked in full and its size bounded, and neither gate
// nor verdict is taken from it; still, whoever can write it decides what the report shows.
type Shard struct {
	Program string   `json:"program"` // version of the program that wrote it
	I       int      `json:"i"`       // counted from 1
	N       int      `json:"n"`
	Plan    string   `json:"plan"`    // digest of everything that the run looks at: equal in all its shards
	Salt    string   `json:"salt"`    // digest of the key of the secrets' tokens: equal in all its shards
	All     bool     `json:"all"`     // every target was asked for
	Total   int      `json:"total"`   // targets of the whole run
	Targets []string `json:"targets"` // that this shard was to look at
	Report  *Report  `json:"report"`  // not finished
	Unused  []Unused `json:"unused"`  // of the report
}

// shardMagic begins the file of a shard.
const shardMagic = "sluice shard 1\n"

// MaxShard bounds the file of one shard, in bytes.
const MaxShard = 128 << 20

// WriteShard writes a shard.
func WriteShard(w io.Writer, s *Shard) error {
	s.Report.noNil()
	s.Unused = s.Report.Unused
	if s.Report.Findings == nil {
		s.Report.Findings = finding.List{}
	}
	if _, err := io.WriteString(w, shardMagic); err != nil {
		return err
	}
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	return out.Encode(s)
}

// ReadShard reads a shard that this version of the program wrote. An error says what is wrong with the file.
func ReadShard(r io.Reader, program string) (*Shard, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxShard+1))
	if err != nil {
		return nil, err
	}
	body, ok := bytes.CutPrefix(data, []byte(shardMagic))
	switch {
	case len(data) > MaxShard:
		return nil, fmt.Errorf("it is larger than %d MiB", MaxShard>>20)
	case !ok:
		return nil, errors.New("it is no shard of this version of sluice")
	}
	var whose struct{ Program string }
	if err := json.Unmarshal(body, &whose); err != nil {
		return nil, fmt.Errorf("it is damaged: %w", err)
	}
	if whose.Program != program {
		return nil, fmt.Errorf("another version of sluice wrote it: %q; this is %q", whose.Program, program)
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	s := &Shard{}
	if err := decoder.Decode(s); err != nil {
		return nil, fmt.Errorf("it is damaged: %w", err)
	}
	if !utf8.Valid(body) {
		return nil, errors.New("it is damaged: it is not UTF-8")
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	s.Report.Unused = s.Unused
	return s, nil
}

var (
	ruleForm   = regexp.MustCompile(`^[a-z][a-z0-9-]*/[^\s]{1,500}$`)
	digestForm = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// check says what in a shard cannot be.
func (s *Shard) check() error {
	r := s.Report
	switch {
	case !(plan.Shard{I: s.I, N: s.N}).Valid():
		return fmt.Errorf("it says that it is shard %d of %d", s.I, s.N)
	case !digestForm.MatchString(s.Plan) || !digestForm.MatchString(s.Salt):
		return errors.New("it does not say what run it is part of")
	case r == nil || r.Version != 0 || r.Verdict != "" || s.Total < len(s.Targets) || r.Unaffected < 0 || min(r.FormOnly, r.FormOnlyRestarts, r.IgnoredObjects, r.IgnoredFields) < 0:
		return errors.New("it does not hold a part of a report")
	case min(r.Coverage.Objects, r.Coverage.Validated, r.Coverage.Unknown, r.Coverage.Policies) < 0, min(r.Coverage.Rehearsed, r.Coverage.RehearsedRemovals) < 0:
		return errors.New("its coverage cannot be")
	}
	if err := checkUnused(s.Unused); err != nil {
		return err
	}
	ids := make(map[string]bool, len(r.Targets))
	for i, t := range r.Targets {
		if ids[t.ID] || i >= len(s.Targets) || t.ID != s.Targets[i] || t.Objects < 0 ||
			!slices.Contains([]Status{Rendered, Failed, Removed}, t.Status) || !slices.Contains([]Status{Rendered, Failed, Absent}, t.Base) {
			return fmt.Errorf("its target %q cannot be", t.ID)
		}
		ids[t.ID] = true
	}
	if len(r.Targets) != len(s.Targets) {
		return errors.New("it lacks targets that it was to look at")
	}
	for _, c := range r.Changes {
		if !ids[c.Target] || !slices.Contains([]diff.Action{diff.Added, diff.Removed, diff.Changed, diff.Renamed}, c.Action) || c.Added < 0 || c.Removed < 0 {
			return fmt.Errorf("its change of %q in %q cannot be", c.Name, c.Target)
		}
	}
	if r.Waived != nil {
		return errors.New("it does not hold a part of a report")
	}
	for _, f := range r.Findings {
		if f.Waiver != nil && !validWaiver(*f.Waiver) {
			return fmt.Errorf("the waiver of its finding of the rule %q cannot be", f.Rule)
		}
		if !ruleForm.MatchString(f.Rule) || f.Line < 0 || f.Column < 0 {
			return fmt.Errorf("its finding of the rule %q cannot be", f.Rule)
		}
		for _, t := range f.Targets {
			if !ids[t.ID] || !slices.Contains([]finding.State{finding.New, finding.Existing, finding.Fixed}, t.State) {
				return fmt.Errorf("its finding of the rule %q in %q cannot be", f.Rule, t.ID)
			}
		}
	}
	return nil
}

// JoinShards makes the report of a run from its shards, as one run would have made it. The gate is the caller's. A shard that
// is missing makes the report incomplete. Shards of different runs, or the same one twice, are an error.
func JoinShards(shards []*Shard, gate Gate) (*Report, error) {
	if len(shards) == 0 {
		return nil, errors.New("there are no shards to join")
	}
	shards = slices.Clone(shards)
	slices.SortFunc(shards, func(a, b *Shard) int { return a.I - b.I })
	first := shards[0]
	out := &Report{
		Base: first.Report.Base, Head: first.Report.Head, Gate: gate, NonTargets: first.Report.NonTargets,
		Unaffected: first.Report.Unaffected, Environments: first.Report.Environments,
	}
	present := make(map[int]bool)
	targets := make(map[string]bool)
	for _, s := range shards {
		r := s.Report
		switch {
		case s.N != first.N || s.Plan != first.Plan || s.Total != first.Total || s.All != first.All ||
			r.Base != out.Base || r.Head != out.Head || r.Unaffected != out.Unaffected || !slices.Equal(r.Environments, out.Environments):
			return nil, fmt.Errorf("shards %d and %d are of different runs", first.I, s.I)
		case present[s.I]:
			return nil, fmt.Errorf("shard %d of %d is there twice", s.I, s.N)
		case s.Salt != first.Salt:
			return nil, fmt.Errorf("shards %d and %d have different keys for secrets: give all jobs of a run the same SLUICE_SHARD_KEY", first.I, s.I)
		}
		if len(present) == 0 {
			out.Unused = r.Unused
		} else {
			out.Unused = joinUnused(out.Unused, r.Unused)
		}
		present[s.I] = true
		for _, id := range s.Targets {
			if targets[id] {
				return nil, fmt.Errorf("two shards looked at %q", id)
			}
			targets[id] = true
		}
		out.add(r)
		out.Tell(r.Notes...)
	}
	for i := 1; i <= first.N; i++ {
		if !present[i] {
			out.Unchecked = append(out.Unchecked, fmt.Sprintf("shard %d of %d is missing: what it was to look at is not in this report", i, first.N))
			out.Unused = nil
		}
	}
	if len(present) == first.N && len(targets) != first.Total {
		return nil, fmt.Errorf("the shards have %d targets, the run has %d", len(targets), first.Total)
	}
	slices.Sort(out.Unchecked)
	out.Unchecked = slices.Compact(out.Unchecked)
	Finish(out)
	return out, nil
}

// add puts what another part found into r.
func (r *Report) add(part *Report) {
	r.Targets = append(r.Targets, part.Targets...)
	r.Changes = append(r.Changes, part.Changes...)
	r.Findings = append(r.Findings, part.Findings...)
	r.Unchecked = append(r.Unchecked, part.Unchecked...)
	r.Quiet.Add(part.Quiet)
	r.Coverage.Add(part.Coverage)
}

// Add adds the coverage of another part. The number of rules is that of the part with most of them.
func (c *Coverage) Add(part Coverage) {
	c.Objects += part.Objects
	c.Validated += part.Validated
	c.Unknown += part.Unknown
	c.Policies = max(c.Policies, part.Policies)
	c.UnknownKinds = sum(c.UnknownKinds, part.UnknownKinds)
	c.Remotes = sum(c.Remotes, part.Remotes)
	c.Kubernetes = union(c.Kubernetes, part.Kubernetes)
	c.Rehearsed += part.Rehearsed
	c.RehearsedRemovals += part.RehearsedRemovals
	c.RehearsedOn = union(c.RehearsedOn, part.RehearsedOn)
	c.NotRehearsed = sum(c.NotRehearsed, part.NotRehearsed)
}

// sum adds counts to others, which may be nil.
func sum(to, counts map[string]int) map[string]int {
	for name, n := range counts {
		if to == nil {
			to = make(map[string]int)
		}
		to[name] += n
	}
	return to
}

// union gives the texts of both lists, sorted, each once.
func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}
