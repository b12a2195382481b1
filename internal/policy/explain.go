package policy

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/loader"

	"github.com/sluice-dev/sluice/internal/finding"
)

// Explain turns an error of conftest's loader into findings with positions in the repository: the files were loaded
// from copies below root. Any error is at least one finding.
func Explain(err error, root string) finding.List {
	s := &Set{root: strings.TrimSuffix(root, "/") + "/"}
	var out finding.List
	for _, one := range flatten(err) {
		out = append(out, s.explain(one))
	}
	out.Sort()
	return slices.CompactFunc(out, func(a, b finding.Finding) bool { return finding.Compare(a, b) == 0 })
}

// flatten gives the single errors of a loader's or compiler's list.
func flatten(err error) []error {
	var compile ast.Errors
	if errors.As(err, &compile) {
		out := make([]error, len(compile))
		for i, e := range compile {
			out[i] = e
		}
		return out
	}
	var load loader.Errors
	if errors.As(err, &load) {
		var out []error
		for _, e := range load {
			out = append(out, flatten(e)...)
		}
		return out
	}
	return []error{err}
}

var (
	undefined    = regexp.MustCompile(`undefined function (\S+)$`)
	withoutWords = regexp.MustCompile(`^rule in (.*) at line (\d+)$`)
)

func (s *Set) explain(err error) finding.Finding {
	f := finding.Finding{Rule: "policy/rego", Severity: finding.Error, Message: s.clean(err.Error())}
	var at *ast.Error
	if !errors.As(err, &at) {
		return s.explainText(f, err)
	}
	f.Pos, f.Message = s.pos(at.Location), "this Rego is not valid: "+s.clean(at.Message)
	if m := undefined.FindStringSubmatch(at.Message); m != nil {
		if why, ok := forbidden[m[1]]; ok {
			f.Message = fmt.Sprintf("policies must not use %s: %s", m[1], why)
		}
	} else if strings.Contains(at.Message, "keyword is required before rule body") || strings.Contains(at.Message, "keyword is required for partial set rules") {
		f.Message += "; this looks like Rego v0, sluice reads Rego v1 (`opa fmt --write --v0-v1` rewrites it)"
	}
	return f
}

// explainText reads the errors that conftest and the loader give as text only.
func (s *Set) explainText(f finding.Finding, err error) finding.Finding {
	for ; err != nil; err = errors.Unwrap(err) {
		if m := withoutWords.FindStringSubmatch(err.Error()); m != nil {
			f.File = strings.TrimPrefix(m[1], s.root)
			f.Line, _ = strconv.Atoi(m[2])
			f.Message = "this rule has \"if\" but not \"contains\", so it gives no messages: write `deny contains msg if { … }`"
			return f
		}
	}
	// The loader prefixes what it says with the file: "policies/data/x.yaml: document must be of type object".
	if file, rest, ok := strings.Cut(f.Message, ": "); ok && !strings.Contains(file, " ") && strings.Contains(file, "/") {
		f.File, f.Message = file, rest
	}
	return f
}
