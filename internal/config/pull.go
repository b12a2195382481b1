package config

import (
	"cmp"
	"slices"
)

// PullRequest is how promotion pull requests look, and who sees to them.
type PullRequest struct {
	Title     Template   `yaml:"title" doc:"The title; {app}, {from} and {to} stand for the application and the environments. Default: Promote {app}: {from} → {to}."`
	Body      Template   `yaml:"body" doc:"Markdown that stands above the evidence; {app}, {from} and {to} as in the title."`
	Labels    []Label    `yaml:"labels" doc:"Labels of the pull request."`
	Reviewers []Reviewer `yaml:"reviewers" doc:"Who is asked for a review when the pull request is opened: logins, and teams of the owner as team:NAME."`
	Assignees []Login    `yaml:"assignees" doc:"Who is assigned when the pull request is opened."`
	Draft     Draft      `yaml:"draft" doc:"When the pull request is a draft. Default: on-conflict."`
	AutoMerge AutoMerge  `yaml:"auto-merge" doc:"How GitHub merges the pull request by itself, once its checks and reviews allow it, or puts it into the merge queue. Default: off. The repository must allow auto-merge."`
}

// PullFor gives how pull requests to an environment look: what the environment says, and for what it does not say, what promotion
// says. Where several environments are given, the first one's own settings come first.
func (c *Config) PullFor(environments ...string) PullRequest {
	var out PullRequest
	for _, name := range environments {
		out = out.or(c.Environments[EnvironmentName(name)].PullRequest)
	}
	out = out.or(c.Promotion.PullRequest)
	return out.or(PullRequest{Title: "Promote {app}: {from} → {to}", Draft: DraftOnConflict, AutoMerge: AutoMergeOff})
}

func (p PullRequest) or(other PullRequest) PullRequest {
	p.Title, p.Body = cmp.Or(p.Title, other.Title), cmp.Or(p.Body, other.Body)
	p.Draft, p.AutoMerge = cmp.Or(p.Draft, other.Draft), cmp.Or(p.AutoMerge, other.AutoMerge)
	p.Labels, p.Reviewers, p.Assignees = orList(p.Labels, other.Labels), orList(p.Reviewers, other.Reviewers), orList(p.Assignees, other.Assignees)
	return p
}

// orList takes a list that was given, be it empty, over another.
func orList[T any](list, other []T) []T {
	if list == nil {
		return slices.Clone(other)
	}
	return list
}

// FanOut says how a stage of several environments is promoted to.
type FanOut string

// How a stage of several environments is promoted to.
const (
	FanOutEach     FanOut = "each"     // a pull request for each environment
	FanOutTogether FanOut = "together" // one for all of them
)

// BasePromotion says what becomes of the directories that targets of several environments are built from.
type BasePromotion string

// What becomes of shared directories.
const (
	BaseShared    BasePromotion = "shared"    // a change reaches every environment at once
	BaseVersioned BasePromotion = "versioned" // each later environment has a copy, which is promoted
)

// Template is text in which {app}, {from} and {to} stand for names.
type Template string

// Label is the name of a label on GitHub.
type Label string

// Login names an account on GitHub.
type Login string

// Reviewer is a login, or team:NAME.
type Reviewer string

// Draft says when a pull request is a draft.
type Draft string

// When a pull request is a draft.
const (
	DraftOnConflict Draft = "on-conflict"
	DraftAlways     Draft = "always"
)

// AutoMerge is a way of merging.
type AutoMerge string

// The ways of merging.
const (
	AutoMergeOff    AutoMerge = "off"
	AutoMergeMerge  AutoMerge = "merge"
	AutoMergeSquash AutoMerge = "squash"
	AutoMergeRebase AutoMerge = "rebase"
)

func (FanOut) shape() shape { return shape{enum: []string{string(FanOutEach), string(FanOutTogether)}} }

func (BasePromotion) shape() shape {
	return shape{enum: []string{string(BaseShared), string(BaseVersioned)}}
}

func (Template) shape() shape { return shape{what: "text", pattern: `^[\s\S]+$`} }

func (Label) shape() shape {
	return shape{what: "the name of a label", pattern: `^[^\s,]([^,\r\n]{0,48}[^\s,])?$`}
}

func (Login) shape() shape {
	return shape{what: "a login on GitHub", pattern: `^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$`}
}

func (Reviewer) shape() shape {
	return shape{what: "a login on GitHub, or team:NAME", pattern: `^(team:)?[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$`}
}

func (Draft) shape() shape {
	return shape{enum: []string{string(DraftOnConflict), string(DraftAlways)}}
}

func (AutoMerge) shape() shape {
	return shape{enum: []string{string(AutoMergeOff), string(AutoMergeMerge), string(AutoMergeSquash), string(AutoMergeRebase)}}
}
