package pipeline

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/lint"
	"github.com/sluice-dev/sluice/internal/plan"
	"github.com/sluice-dev/sluice/internal/schema"
)

// suppression is one comment "# sluice:ignore RULE… reason" in a source file.
type suppression struct {
	finding.Pos          // of the comment
	rules       []string // that it names
	reason      string
}

// suppressions are the comments of one file.
type suppressions struct {
	byLine map[int][]suppression // by the line that they are about
	all    []suppression         // in their order
	broken finding.List          // comments that suppress nothing, because they lack what they need
}

var (
	suppressComment = regexp.MustCompile(`(?:^|[ \t])(#[ \t]*sluice:ignore)(?:$|[ \t](.*)$)`)
	ruleName        = regexp.MustCompile(`^[a-z]+(/[A-Za-z0-9_.-]+)+$`)
)

// ruleSuppression is about comments that suppress nothing.
const ruleSuppression = "policy/suppression"

// parseSuppressions reads the comments of a file by its lines, so that those in a patch that stands in a block of text count as
// those of the file itself do. A comment is about the line that it ends, or, where it is all of its line, about the next line that
// is no comment.
func parseSuppressions(file string, data []byte) suppressions {
	var out suppressions
	if !bytes.Contains(data, []byte("sluice:ignore")) {
		return out
	}
	out.byLine = make(map[int][]suppression)
	var waiting []suppression // for the next line that is no comment
	number := 0
	for line := range strings.Lines(string(data)) {
		number++
		line = strings.TrimRight(line, "\r\n")
		whole := strings.HasPrefix(strings.TrimLeft(line, " \t"), "#")
		if !whole {
			out.byLine[number] = append(out.byLine[number], waiting...)
			waiting = nil
		}
		at := suppressComment.FindStringSubmatchIndex(line)
		if at == nil {
			continue
		}
		text := ""
		if at[4] >= 0 {
			text = line[at[4]:at[5]]
		}
		s, problem := parseSuppression(text)
		s.Pos = finding.Pos{File: file, Line: number, Column: utf8.RuneCountInString(line[:at[2]]) + 1}
		switch {
		case problem != "":
			out.broken = append(out.broken, brokenSuppression(s.Pos, problem))
			continue
		case whole:
			waiting = append(waiting, s)
		default:
			out.byLine[number] = append(out.byLine[number], s)
		}
		out.all = append(out.all, s)
	}
	return out
}

// parseSuppression reads "RULE[, RULE…] reason". A rule is a word with a slash that is a rule's name.
func parseSuppression(text string) (s suppression, problem string) {
	words := strings.Fields(text)
	for len(words) > 0 && strings.Contains(words[0], "/") {
		for _, rule := range strings.Split(strings.TrimSuffix(words[0], ","), ",") {
			switch {
			case !ruleName.MatchString(rule):
				return s, fmt.Sprintf("%q is no rule: name rules as findings do, policy/host-path", rule)
			case !config.Waivable(rule):
				return s, rule + " says that something could not be checked, which no comment makes up for"
			case strings.HasPrefix(rule, "lint/"):
				return s, rule + " is about what a change does, which no line says: an exception in the configuration may accept it"
			}
			s.rules = append(s.rules, rule)
		}
		words = words[1:]
	}
	switch s.reason = strings.Join(words, " "); {
	case len(s.rules) == 0:
		return s, "it names no rule: write \"# sluice:ignore RULE reason\""
	case s.reason == "":
		return s, "it gives no reason: say after the rule why the finding is accepted"
	}
	return s, ""
}

func brokenSuppression(pos finding.Pos, problem string) finding.Finding {
	return finding.Finding{Rule: ruleSuppression, Severity: finding.Warning, Pos: pos, Message: "this comment suppresses nothing: " + problem}
}

// of gives the waiver that a comment at the finding's line is.
func (s suppressions) of(f finding.Finding) *finding.Waiver {
	for _, comment := range s.byLine[f.Line] {
		if f.Line > 0 && slices.Contains(comment.rules, f.Rule) {
			return &finding.Waiver{Kind: finding.ByComment, Reason: comment.reason, Pos: comment.Pos}
		}
	}
	return nil
}

// problems gives the comments that suppress nothing; knows tells which rules there are.
func (s suppressions) problems(allowed config.Suppress, knows func(rule string) bool) finding.List {
	out := slices.Clone(s.broken)
	for _, comment := range s.all {
		if allowed == config.SuppressNever {
			f := brokenSuppression(comment.Pos, "the configuration allows no such comments (validation.suppress: never)")
			f.Severity = finding.Notice
			out = append(out, f)
			continue
		}
		for _, rule := range comment.rules {
			if !knows(rule) {
				out = append(out, brokenSuppression(comment.Pos, fmt.Sprintf("there is no rule %s", rule)))
			}
		}
	}
	return out
}

// bindSuppressions takes from head's findings the waivers of comments that base does not have for the same finding, where
// only those of base count: a change must not silence what it brings.
func (j *judge) bindSuppressions(base, head finding.List) finding.List {
	if j.cfg.Validation.Suppress != config.SuppressBase || j.check.Base.Tree == nil {
		return head
	}
	byComment := func(f finding.Finding) bool { return f.Waiver != nil && f.Waiver.Kind == finding.ByComment }
	var onBase finding.List
	for _, f := range base {
		if byComment(f) {
			onBase = append(onBase, f)
		}
	}
	out := slices.Clone(head)
	for i, f := range out {
		if !byComment(f) {
			continue
		}
		if at := slices.IndexFunc(onBase, f.SameAs); at >= 0 {
			onBase = slices.Delete(onBase, at, at+1)
			continue
		}
		out[i].Message += fmt.Sprintf(" (the comment in line %d does not count before it is merged: validation.suppress)", f.Waiver.Line)
		out[i].Waiver = nil
	}
	return out
}

// waiver says why a finding in a target does not count; nil where it does.
func (j *judge) waiver(f finding.Finding, target plan.Target, sources *locator) *finding.Waiver {
	var by *finding.Waiver
	for _, e := range j.exceptions {
		if !e.accepts(f, target) {
			continue
		}
		if by == nil {
			by = &e.waiver
		}
		if sources == j.head {
			e.used.Store(true)
		}
	}
	if by != nil {
		return by
	}
	if j.cfg.Validation.Suppress == config.SuppressNever {
		return nil
	}
	return sources.suppressions(f.File).of(f)
}

// badComments gives the comments in a rendering's sources that suppress nothing.
func (j *judge) badComments(r Rendering, sources *locator) (out finding.List) {
	for _, file := range r.Sources {
		out = append(out, sources.suppressions(file).problems(j.cfg.Validation.Suppress, j.knows)...)
	}
	return out
}

// knows reports whether there is a rule of this name. Those of admission policies are not known before they are rendered.
func (j *judge) knows(rule string) bool {
	switch area, _, _ := strings.Cut(rule, "/"); area {
	case "schema":
		return slices.Contains(schema.Rules(), rule)
	case "lint":
		return slices.ContainsFunc(lint.Rules(), func(r lint.Rule) bool { return r.ID == rule })
	case "policy":
		return j.policies.knows(rule) || j.proposed != nil && j.proposed.knows(rule)
	default:
		return area == "admission"
	}
}
