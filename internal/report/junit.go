package report

import (
	"encoding/xml"
	"io"

	"github.com/sluice-dev/sluice/internal/finding"
)

// JUnit writes the report as JUnit XML: a test suite for each target and one for what concerns the repository. In a
// suite, rendering is a test, which is in error where the target failed, and so is every finding on head: one that
// gates is a failure, another passes and says what it is in its output. A target that was removed is a skipped test.
func JUnit(w io.Writer, r *Report) error {
	of := make(map[string][]junitCase)
	for _, f := range r.Findings {
		if len(f.Targets) == 0 {
			of[""] = append(of[""], r.junitCase("repository", f))
		}
		for _, t := range f.Targets {
			if t.State != finding.Fixed {
				of[t.ID] = append(of[t.ID], r.junitCase(t.ID, f.In(t.ID, t.State)))
			}
		}
	}
	for _, f := range r.Waived {
		for _, id := range onHead(f) {
			of[id] = append(of[id], waivedCase(id, f))
		}
	}
	all := junitSuites{Name: "sluice"}
	add := func(name string, cases []junitCase) {
		s := junitSuite{Name: visible(name, ""), Cases: cases, Tests: len(cases)}
		for _, c := range cases {
			switch {
			case c.Failure != nil:
				s.Failures++
			case c.Error != nil:
				s.Errors++
			case c.Skipped != nil:
				s.Skipped++
			}
		}
		all.Tests += s.Tests
		all.Failures += s.Failures
		all.Errors += s.Errors
		all.Suites = append(all.Suites, s)
	}
	repository := of[""]
	for _, what := range r.Unchecked {
		repository = append(repository, junitCase{Class: "repository", Name: "checked", Error: &junitProblem{Message: visible(what, "\n\t")}})
	}
	if len(repository) > 0 {
		add("repository", repository)
	}
	for _, t := range r.Targets {
		rendered := junitCase{Class: visible(t.ID, ""), Name: "renders"}
		switch t.Status {
		case Failed:
			rendered.Error = &junitProblem{Message: "could not be rendered"}
		case Removed:
			rendered.Skipped = &junitSkipped{}
		}
		add(t.ID, append([]junitCase{rendered}, of[t.ID]...))
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	out := xml.NewEncoder(w)
	out.Indent("", "  ")
	if err := out.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func (r *Report) junitCase(class string, f finding.Finding) junitCase {
	name := f.Rule
	if f.Object != "" {
		name += " " + f.Object
	}
	c := junitCase{Class: visible(class, ""), Name: visible(name, ""), File: visible(f.File, ""), Line: f.Line}
	message := visible(f.Message, "\n\t")
	if r.Gates(f) {
		c.Failure = &junitProblem{Type: f.Severity.String(), Message: message, Text: visible(f.String(), "\n\t")}
	} else {
		c.Out = f.Severity.String() + ": " + message
	}
	return c
}

// The part of JUnit's form that its readers agree on. Source: github.com/testmoapp/junitxml, which collects what CI
// systems read.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		File    string        `xml:"file,attr,omitempty"`
		Line    int           `xml:"line,attr,omitempty"`
		Failure *junitProblem `xml:"failure"`
		Error   *junitProblem `xml:"error"`
		Skipped *junitSkipped `xml:"skipped"`
		Out     string        `xml:"system-out,omitempty"`
	}
	junitSkipped struct {
		Message string `xml:"message,attr,omitempty"`
	}
	junitProblem struct {
		Type    string `xml:"type,attr,omitempty"`
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)
