package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice/internal/promote"
)

// Promotion is what the body of a promotion pull request tells: the evidence that a reviewer needs.
type Promotion struct {
	Intro     string // Markdown from the configuration, which is trusted: it comes from the default branch
	From, To  string // environments
	Apps      []PromotedApp
	Pulls     []CarriedPull
	Commits   []CarriedCommit // that no pull request brought
	More      int             // commits that were not looked at, because there are too many
	History   []PromotionStep // the commits of this pull request, oldest first
	Conflicts []promote.Conflict
	Withheld  []promote.Withheld
	Shared    []string
	Gates     []PromotionGate
	Delta     *Delta // nil where it was not computed
	Check     string // the headline of the check
	Only      string // what alone is promoted; "" for everything
	Reason    string // why a stage is skipped, or the order is gone against; "" where none is
	RepoURL   string // https://github.com/o/r; "" for no links
}

// PromotedApp is one application on its way.
type PromotedApp struct {
	App, From string
	To        []string
	Source    string // commit
	Files     []string
}

// CarriedPull is a merged pull request that a promotion carries.
type CarriedPull struct {
	Number        int
	Title, Author string
}

// CarriedCommit is a commit without a pull request.
type CarriedCommit struct{ ID, Subject, Author string }

// PromotionStep is one commit of a promotion pull request.
type PromotionStep struct {
	Commit, Source string
	Pulls          []int // that it added
}

// PromotionGate is a condition, as people read it.
type PromotionGate struct {
	Name   string
	Open   bool
	Reason string
	Until  string // RFC 3339; "" where nobody can tell
}

// promotionTiers bounds the rows of each list of a body.
var promotionTiers = []int{200, 20, 5, 0}

// PromotionBody gives the body of a promotion pull request as Markdown in falling sizes.
func PromotionBody(p Promotion) []string {
	var out []string
	for _, rows := range promotionTiers {
		b := &promotionBody{Promotion: p, rows: rows}
		if body := b.write(); len(out) == 0 || len(body) < len(out[len(out)-1]) {
			out = append(out, body)
		}
	}
	return slices.DeleteFunc(out[:len(out):len(out)], func(body string) bool { return len(out) > 1 && !CommentLimit.Fits(body) && body != out[len(out)-1] })
}

type promotionBody struct {
	Promotion
	rows int
	strings.Builder
}

func (b *promotionBody) printf(format string, args ...any) { fmt.Fprintf(b, format, args...) }

func (b *promotionBody) write() string {
	if b.Intro != "" {
		b.printf("%s\n\n", strings.TrimSpace(b.Intro))
	}
	b.summary()
	b.conflicts()
	b.carried()
	b.delta()
	b.gates()
	b.withheld()
	b.shared()
	b.history()
	return b.String()
}

func (b *promotionBody) summary() {
	b.printf("This carries to **%s** what has changed in **%s**, field by field. What %s owns stays as it is.\n\n", prose(b.To), prose(b.From), prose(b.To))
	if b.Only != "" {
		b.printf("> [!NOTE]\n> Only a part is promoted, as somebody asked: %s. Everything else is promoted as if this were not.\n\n", code(b.Only))
	}
	if b.Reason != "" {
		b.printf("> [!IMPORTANT]\n> This is out of the order of promotion: it skips a stage, or leads back. The reason: %s\n\n", prose(b.Reason))
	}
	if b.Check != "" {
		b.printf("**Check of what is rendered:** %s. The comment below shows it.\n\n", prose(strings.TrimSuffix(b.Check, ".")))
	}
	b.printf("| application | from | to | source | files |\n|---|---|---|---|--:|\n")
	for i, app := range b.Apps {
		if b.cut(i, len(b.Apps), "| … and %d more | | | | |\n") {
			break
		}
		to := make([]string, len(app.To))
		for j, id := range app.To {
			to[j] = cell(id)
		}
		b.printf("| %s | %s | %s | %s | %d |\n", cell(app.App), cell(app.From), strings.Join(to, ", "), b.commit(app.Source), len(app.Files))
	}
	b.printf("\n")
}

// cut reports that a list ends before item i of n, and says how many follow.
func (b *promotionBody) cut(i, n int, format string) bool {
	if i < b.rows {
		return false
	}
	b.printf(format, n-i)
	return true
}

func (b *promotionBody) commit(id string) string {
	shown := "`" + fmt.Sprintf("%.10s", id) + "`"
	if b.RepoURL == "" {
		return shown
	}
	return fmt.Sprintf("[%s](%s/commit/%s)", shown, b.RepoURL, id)
}

func (b *promotionBody) pull(number int) string {
	if b.RepoURL == "" {
		return fmt.Sprintf("#%d", number)
	}
	return fmt.Sprintf("[#%d](%s/pull/%d)", number, b.RepoURL, number)
}

func (b *promotionBody) conflicts() {
	if len(b.Conflicts) == 0 {
		return
	}
	b.printf("### Conflicts: a person decides\n\nBoth sides changed these since they were equal. The value of %s stays unless you push another to this branch; "+
		"merging as it is keeps it.\n\n| file | field | base | %s | %s | why |\n|---|---|---|---|---|---|\n", prose(b.To), cellText(b.To), cellText(b.From))
	for i, c := range b.Conflicts {
		if b.cut(i, len(b.Conflicts), "| … and %d more | | | | | |\n") {
			break
		}
		file := c.File
		if c.Line > 0 {
			file = fmt.Sprintf("%s:%d", c.File, c.Line)
		}
		b.printf("| %s | %s | %s | %s | %s | %s |\n", cell(file), value(c.Path), value(c.Base), value(c.Ours), value(c.Theirs), cellText(c.Why))
	}
	b.printf("\n")
}

// value is a value in a table.
func value(text string) string {
	if strings.TrimSpace(text) == "" {
		return "–"
	}
	return cell(shorten(strings.TrimRight(text, "\n"), 100))
}

func (b *promotionBody) carried() {
	b.printf("### What it carries\n\n")
	total := len(b.Pulls) + len(b.Commits)
	for i, p := range b.Pulls {
		if b.cut(i, total, "- … and %d more\n") {
			b.printf("\n")
			return
		}
		b.printf("- %s %s", b.pull(p.Number), prose(p.Title))
		if p.Author != "" {
			b.printf(" by %s", code(p.Author))
		}
		b.printf("\n")
	}
	for i, c := range b.Commits {
		if b.cut(len(b.Pulls)+i, total, "- … and %d more\n") {
			break
		}
		b.printf("- %s %s by %s, pushed without a pull request\n", b.commit(c.ID), prose(c.Subject), code(c.Author))
	}
	if total == 0 {
		b.printf("No commit of the source is known to have brought it: it is what differs.\n")
	}
	if b.More > 0 {
		b.printf("- … and %d earlier commits, which were not looked at\n", b.More)
	}
	b.printf("\n")
}

func (b *promotionBody) gates() {
	b.printf("### Gates\n\n")
	if len(b.Gates) == 0 {
		b.printf("None are configured.\n\n")
		return
	}
	b.printf("| gate | state | why | at the earliest |\n|---|---|---|---|\n")
	for _, g := range b.Gates {
		state := "waits"
		if g.Open {
			state = "open"
		}
		until := g.Until
		if until == "" {
			until = "–"
		}
		b.printf("| %s | %s | %s | %s |\n", cellText(g.Name), state, cellText(g.Reason), cellText(until))
	}
	b.printf("\n")
}

func (b *promotionBody) withheld() {
	if len(b.Withheld) == 0 {
		return
	}
	b.printf("<details><summary>Not promoted: %s that %s owns</summary>\n\n| file | field | %s | %s | why |\n|---|---|---|---|---|\n",
		plural(len(b.Withheld), "difference"), html(b.To), cellText(b.To), cellText(b.From))
	for i, w := range b.Withheld {
		if b.cut(i, len(b.Withheld), "| … and %d more | | | | |\n") {
			break
		}
		b.printf("| %s | %s | %s | %s | %s |\n", cell(w.File), value(w.Path), value(w.Target), value(w.Source), cellText(w.Why))
	}
	b.printf("\n</details>\n\n")
}

func (b *promotionBody) shared() {
	if len(b.Shared) == 0 {
		return
	}
	names := make([]string, 0, len(b.Shared))
	for i, name := range b.Shared {
		if i >= max(b.rows, 1) {
			names = append(names, fmt.Sprintf("and %d more", len(b.Shared)-i))
			break
		}
		names = append(names, code(name))
	}
	b.printf("Shared by environments, and so not promoted: %s.\n\n", strings.Join(names, ", "))
}

func (b *promotionBody) history() {
	if len(b.History) < 2 {
		return
	}
	b.printf("### What was added\n\n")
	for i, step := range b.History {
		if b.cut(i, len(b.History), "- … and %d more\n") {
			break
		}
		pulls := make([]string, len(step.Pulls))
		for j, n := range step.Pulls {
			pulls[j] = b.pull(n)
		}
		what := "brought up to date"
		if len(pulls) > 0 {
			what = strings.Join(pulls, ", ")
		}
		b.printf("- %s: %s, as of %s\n", b.commit(step.Commit), what, b.commit(step.Source))
	}
	b.printf("\n")
}
