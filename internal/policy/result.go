package policy

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sluice-dev/sluice/internal/finding"
)

// maxMessage bounds a message that Rego made, in bytes.
const maxMessage = 4_000

// rule turns the value of one rule into findings: result is the array that [Set.prepare] describes.
func (c *check) rule(r rule, about subject, result any) {
	pair := result.([]any)
	excepted := slices.Contains(pair[1].([]any), any(r.name))
	if excepted {
		c.result.Exceptions = append(c.result.Exceptions, Exception{Rule: r.ID, Object: about.String()})
	}
	for _, value := range pair[0].([]any) {
		found, shape := c.results(r, about, value)
		if excepted { // conftest does not ask for the value; here it is shown, and does not count
			shape = ""
			for i := range found {
				found[i].Waiver = &finding.Waiver{Kind: finding.ByPolicy, Reason: "the rule exception of package " + r.namespace(), Pos: r.exceptionPos}
			}
		}
		c.result.Findings = append(c.result.Findings, found...)
		if shape != "" {
			c.incomplete(about, "policy/evaluation", r.Pos, fmt.Sprintf("%s %s for %s", r.ID, shape, about))
		}
	}
}

// results reads the value of a rule: a collection of messages, or of objects with a msg. What it cannot read it says
// in shape.
func (c *check) results(r rule, about subject, value any) (found finding.List, shape string) {
	values, ok := value.([]any)
	if !ok {
		if value == false {
			return nil, ""
		}
		return nil, "gives no collection of messages (write `" + lastPart(r.ref) + " contains msg if { … }`)"
	}
	if limit := c.engine.limits.Results * max(1, len(about.all)); len(values) > limit {
		shape = fmt.Sprintf("gives %d results; only the first %d are shown", len(values), limit)
		values = values[:limit]
	}
	for _, value := range values {
		f := finding.Finding{Rule: r.ID, Severity: r.Severity}
		object := about.object
		switch value := value.(type) {
		case string:
			f.Message = value
		case map[string]any:
			if f.Message, ok = value["msg"].(string); !ok {
				shape = "gives an object without a text msg"
				continue
			}
			f.Path, _ = value["path"].(string)
			if i, ok := index(value["index"]); ok && i < len(about.all) {
				object = about.all[i]
			} else if ok && i < len(about.all)+about.others {
				continue // its own target says so
			}
		default:
			shape = fmt.Sprintf("gives a result that is neither a text nor an object with a msg (%v)", value)
			continue
		}
		if object != nil {
			f.Object, f.File = object.ID.String(), object.Origin.File
		}
		if f.Message = shorten(f.Message); f.Message != "" { // conftest: an empty message passes
			found = append(found, f)
		}
	}
	return found, shape
}

// index reads the number of the object, of all those of a target, that a result is about.
func index(value any) (int, bool) {
	number, ok := value.(json.Number)
	if !ok {
		return 0, false
	}
	i, err := strconv.Atoi(number.String())
	return i, err == nil && i >= 0
}

func (c *check) incomplete(about subject, ruleID string, pos finding.Pos, message string) {
	f := finding.Finding{Rule: ruleID, Severity: finding.Error, Message: shorten(message), Pos: pos}
	if about.object != nil {
		f.Object = about.object.ID.String()
		if pos.File == "" {
			f.File = about.object.Origin.File
		}
	}
	c.result.Findings = append(c.result.Findings, f)
	c.result.Incomplete = true
}

func shorten(message string) string {
	message = strings.TrimRight(message, "\n")
	if len(message) <= maxMessage {
		return message
	}
	cut := maxMessage
	for cut > 0 && !utf8.RuneStart(message[cut]) {
		cut--
	}
	return message[:cut] + "…"
}
