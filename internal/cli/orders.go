package cli

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice/internal/github"
	"github.com/sluice-dev/sluice/internal/report"
)

// orders are what the commands of one comment ask for together.
type orders struct {
	recheck bool
	commit  string   // with recheck: the beginning of the commit that is meant; "" for the head, whatever it is
	diffs   []string // targets to show
	promote *promoteOrder
	ignores []ignoreOrder
	by      string // login of who orders
}

// promoteOrder says which promotions to bring up to date; the zero value is all of them.
type promoteOrder struct {
	from, to string
	apps     []string
	only     []string // what alone is promoted
	reason   string   // why a stage is skipped, or the order is gone against
}

var (
	commitPrefix = regexp.MustCompile(`^[0-9a-f]{7,64}$`)
	plainWord    = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._/-]{0,252}$`)
)

// readOrders understands the commands of a comment. Where one is not understood, none is obeyed: problems says what is wrong, in
// Markdown.
func readOrders(commands []github.Command) (o orders, problems []string) {
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	for _, command := range commands {
		switch command.Name {
		case "recheck":
			switch {
			case len(command.Args) > 1:
				wrong("%s takes one commit at most", report.Code("recheck"))
			case len(command.Args) == 1 && !commitPrefix.MatchString(command.Args[0]):
				wrong("%s is no commit id", report.Code(command.Args[0]))
			case len(command.Args) == 1 && o.commit != "" && o.commit != command.Args[0]:
				wrong("%s is asked for two commits", report.Code("recheck"))
			case len(command.Args) == 1:
				o.commit = command.Args[0]
			}
			o.recheck = true
		case "diff":
			if len(command.Args) == 0 {
				wrong("%s needs the id of a target, such as %s", report.Code("diff"), report.Code("apps/shop/overlays/prod"))
			}
			for _, target := range command.Args {
				if !slices.Contains(o.diffs, target) {
					o.diffs = append(o.diffs, target)
				}
			}
		case "promote":
			order, reason := readPromoteOrder(command.Args)
			switch {
			case reason != "":
				wrong("%s", reason)
			case o.promote != nil:
				wrong("%s is asked for twice", report.Code("promote"))
			default:
				o.promote = &order
			}
		case "ignore":
			order, problem := readIgnoreOrder(command.Args)
			if problem != "" {
				wrong("%s", problem)
			}
			if len(o.ignores) == maxIgnores {
				wrong("%d findings are as many as one comment may ask to accept", maxIgnores)
				break
			}
			o.ignores = append(o.ignores, order)
		case "":
			wrong("a command is too long, there are too many, or there is only the word %s", report.Code("/sluice"))
		default:
			wrong("there is no command %s", report.Code(command.Name))
		}
	}
	if len(o.diffs) > maxDiffs {
		wrong("%d targets are too many for one comment: %d at most", len(o.diffs), maxDiffs)
	}
	return o, problems
}

// maxDiffs and maxIgnores bound the replies to one comment.
const (
	maxDiffs   = 5
	maxIgnores = 3
)

func readPromoteOrder(args []string) (o promoteOrder, reason string) {
	for i := 0; i < len(args); i++ {
		name, value, given := strings.Cut(args[i], "=")
		if name == "--reason" { // the rest of the line
			if o.reason = strings.Trim(strings.Join(append([]string{value}, args[i+1:]...), " "), ` "'`); o.reason == "" {
				return o, fmt.Sprintf("%s needs a text: it is the last option, and the rest of the line is the reason", report.Code("--reason"))
			}
			return o, ""
		}
		switch {
		case !strings.HasPrefix(name, "--"):
			name, value = "--app", args[i]
		case !given && i+1 < len(args):
			i++
			value = args[i]
		}
		if name == "--only" && value != "" {
			o.only = append(o.only, value)
			continue
		}
		if !plainWord.MatchString(value) {
			return o, fmt.Sprintf("%s of %s is no name", report.Code(value), report.Code("promote"))
		}
		switch name {
		case "--from":
			o.from = value
		case "--to":
			o.to = value
		case "--app":
			o.apps = append(o.apps, value)
		default:
			return o, fmt.Sprintf("%s has no option %s", report.Code("promote"), report.Code(name))
		}
	}
	return o, ""
}

const commandHelp = `
| command | what it does |
|---|---|
| ` + "`/sluice recheck`" + ` | checks the head of this pull request again |
| ` + "`/sluice recheck COMMIT`" + ` | the same, if that is still the head |
| ` + "`/sluice diff TARGET…`" + ` | shows all that changes in a target |
| ` + "`/sluice promote [APP…] [--from ENV] [--to ENV]`" + ` | brings promotion pull requests up to date |
| ` + "`/sluice promote … --only pr=#12`" + ` | promotes one change alone; also ` + "`commit=REV`, `file=PATH`, `field=PATH#FIELD`" + ` |
| ` + "`/sluice promote … --from dev --to prod --reason WHY`" + ` | skips a stage, or goes against the order; the rest of the line is the reason |
| ` + "`/sluice ignore`" + ` | lists the findings that may be accepted, with their names |
| ` + "`/sluice ignore NAME WHY…`" + ` | prepares an exception for one, as a pull request to be reviewed |

Each on a line of its own, outside of quotes and code, by people with write access.
`

// helpReply answers a comment that is not understood.
func helpReply(problems []string) string {
	var b strings.Builder
	b.WriteString("I do not understand, and have done nothing:\n\n")
	for _, problem := range problems {
		fmt.Fprintf(&b, "- %s\n", problem)
	}
	return b.String() + commandHelp
}
