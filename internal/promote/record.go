package promote

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// What the names of branches begin with: of those that hold a promotion, a part of one, and a rollback.
const (
	BranchPrefix         = "sluice/promote/"
	PartBranchPrefix     = "sluice/promote-only/"
	RollbackBranchPrefix = "sluice/rollback/"
)

// RollbackPart marks the record of a rollback: nothing is promoted by it.
const RollbackPart = "rollback"

// Branch names the branch of a promotion: sluice/promote/<unit>/<from>-to-<to>. The unit is an application, or "all". Names are
// escaped to a-z, 0-9 and dashes; where that loses something, a short hash keeps them apart.
func Branch(unit, from, to string) string {
	step, lost := escape(from)
	next, lostNext := escape(to)
	step += "-to-" + next
	if lost || lostNext || strings.Count(step, "-to-") > 1 {
		step += "-" + short(from+"\x00"+to)
	}
	name, lost := escape(unit)
	if lost {
		name += "-" + short(unit)
	}
	return BranchPrefix + name + "/" + step
}

// PartBranch names the branch of a promotion of a part, "" for everything: sluice/promote-only/<unit>/<from>-to-<to>/<part>, escaped
// like that of a whole promotion.
func PartBranch(unit, from, to, part string) string {
	branch := Branch(unit, from, to)
	if part == "" {
		return branch
	}
	name, lost := escape(part)
	if strings.HasPrefix(part, "pr=#") && !strings.Contains(part, "\n") {
		lost = false // digits follow
	}
	if lost {
		name = strings.TrimRight(name[:min(len(name), 30)], "-") + "-" + short(part)
	}
	return PartBranchPrefix + strings.TrimPrefix(branch, BranchPrefix) + "/" + name
}

// RollbackBranch names the branch of a rollback: sluice/rollback/<application>/<environment>, escaped like that of a promotion.
func RollbackBranch(app, env string) string {
	name, lost := escape(app)
	if lost {
		name += "-" + short(app)
	}
	place, lost := escape(env)
	if lost {
		place += "-" + short(env)
	}
	return RollbackBranchPrefix + name + "/" + place
}

// IsOf reports whether a branch of ours is named for an application, or for "all".
func IsOf(branch, app string) bool {
	name, _, _ := strings.Cut(strings.TrimPrefix(RollbackBranch(app, ""), RollbackBranchPrefix), "/")
	parts := strings.Split(branch, "/")
	return len(parts) > 3 && parts[2] == name
}

var unsafe = regexp.MustCompile(`[^a-z0-9]+`)

// longest bounds an escaped name: a ref is a file name on GitHub's servers, and on Windows.
const longest = 60

func escape(name string) (escaped string, lost bool) {
	escaped = strings.Trim(unsafe.ReplaceAllString(strings.ToLower(name), "-"), "-")
	if len(escaped) > longest {
		escaped = strings.TrimRight(escaped[:longest], "-")
	}
	return escaped, escaped != name
}

func short(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:4])
}

// Record is what a promotion's commit says of itself, in trailers of its message. It is a hint: who reads it holds it against the
// trees.
type Record struct {
	Steps  []Step // what is promoted: one, or one for each application
	Source string // the commit whose content it is
	Pulls  []int  // the merged pull requests that it carries
	Part   string // what alone was promoted, one a line, where it is not everything
	Reason string // why a stage was skipped
	Tree   string // the commit's content as it was made: whoever changes it does not change this
}

// Step is one application on its way.
type Step struct{ App, From, To string }

func (s Step) String() string { return s.App + " " + s.From + "->" + s.To }

// The keys of the trailers.
const (
	trailerStep   = "Sluice-Promotion"
	trailerSource = "Sluice-Source"
	trailerPull   = "Sluice-Pull-Request"
	trailerPart   = "Sluice-Part"
	trailerReason = "Sluice-Reason"

	// TrailerTree is the key of the last one, which is added when the tree is known.
	TrailerTree = "Sluice-Tree"
)

// Trailers writes a record, and the people who wrote what it carries, as "Name <address>", as the last paragraph of a commit message.
func (r Record) Trailers(authors []string) string {
	var b strings.Builder
	line := func(key, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\n", key, oneLine(value))
		}
	}
	for _, step := range r.Steps {
		line(trailerStep, step.String())
	}
	line(trailerSource, r.Source)
	for _, n := range r.Pulls {
		line(trailerPull, "#"+strconv.Itoa(n))
	}
	for part := range strings.SplitSeq(r.Part, "\n") {
		line(trailerPart, quotePart(part))
	}
	line(trailerReason, r.Reason)
	for _, author := range authors {
		line("Co-authored-by", author)
	}
	return b.String()
}

// quotePart writes a part so that it can be read as it was: a path may have blanks in a row.
func quotePart(part string) string {
	if part != oneLine(part) || strings.HasPrefix(part, `"`) {
		return strings.ReplaceAll(strconv.Quote(part), " ", `\x20`)
	}
	return part
}

func unquotePart(text string) string {
	if part, err := strconv.Unquote(text); err == nil && strings.HasPrefix(text, `"`) {
		return part
	}
	return text
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

var (
	trailer  = regexp.MustCompile(`^(Sluice-[A-Za-z-]+): (.*)$`)
	stepForm = regexp.MustCompile(`^(.+) (\S+)->(\S+)$`)
	commitID = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)
)

// Records reads the records in a commit's message, the last one last: a squash joins the messages of several commits. What is not
// as Trailers writes it is passed over.
func Records(message string) []Record {
	var out []Record
	var current *Record
	sourced := false // the current record has its source: another step begins the next
	for line := range strings.Lines(message) {
		m := trailer.FindStringSubmatch(strings.TrimRight(line, "\r\n"))
		if m == nil {
			if strings.TrimSpace(line) == "" {
				current = nil
			}
			continue
		}
		if m[1] == trailerStep {
			s := stepForm.FindStringSubmatch(m[2])
			if s == nil {
				current = nil
				continue
			}
			if current == nil || sourced {
				out, sourced = append(out, Record{}), false
				current = &out[len(out)-1]
			}
			current.Steps = append(current.Steps, Step{s[1], s[2], s[3]})
			continue
		}
		if current == nil {
			continue
		}
		switch m[1] {
		case trailerSource:
			if commitID.MatchString(m[2]) {
				current.Source, sourced = m[2], true
			}
		case trailerPull:
			if n, err := strconv.Atoi(strings.TrimPrefix(m[2], "#")); err == nil && n > 0 {
				current.Pulls = append(current.Pulls, n)
			}
		case trailerPart:
			current.Part = strings.TrimPrefix(current.Part+"\n"+unquotePart(m[2]), "\n")
		case trailerReason:
			current.Reason = m[2]
		case TrailerTree:
			current.Tree = m[2]
		}
	}
	return slices.DeleteFunc(out, func(r Record) bool { return r.Source == "" })
}
