package github

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode/utf16"

	githubactions "github.com/sethvargo/go-githubactions"
)

// Limits of the runner.
// Sources: docs.github.com "Workflow commands for GitHub Actions" (step summary), "Defining outputs for jobs" (outputs, the
// size counted as UTF-16), and github.com/actions/toolkit issue 734 (annotations).
const (
	MaxSummary     = 1 << 20 // bytes of a step's summary
	MaxOutputs     = 1 << 20 // bytes of a job's outputs together
	MaxAnnotations = 10      // of each level, per step
)

// Actions is the runner that a workflow step runs under: its environment, its log and its command files. It is for one
// goroutine. Whatever text it is given may come from a stranger: it is escaped, so that it cannot become a command.
type Actions struct {
	getenv  func(string) string
	w       io.Writer
	gha     *githubactions.Action
	outputs int            // bytes of outputs so far
	shown   map[string]int // annotations so far, by level
}

// NewActions gives the runner whose environment is getenv (os.Getenv in the real program) and whose log is w.
func NewActions(getenv func(string) string, w io.Writer) *Actions {
	return &Actions{
		getenv: getenv,
		w:      w,
		gha:    githubactions.New(githubactions.WithGetenv(getenv), githubactions.WithWriter(log{w})),
		shown:  make(map[string]int),
	}
}

// log keeps the library from panicking when the log is gone (a closed pipe): nobody is left to read what is lost.
type log struct{ w io.Writer }

func (l log) Write(p []byte) (int, error) {
	_, _ = l.w.Write(p)
	return len(p), nil
}

// Active reports whether there is a runner at all.
func (a *Actions) Active() bool { return a.getenv("GITHUB_ACTIONS") == "true" }

const summaryCut = "\n\n*Cut here: a step summary holds at most 1 MiB.*\n"

// Summary appends Markdown to the step summary: the first of tiers (largest first) that fits into what is left of 1 MiB. The
// last one is cut, and says so, when none fits. Without a summary file (an old server) it does nothing.
func (a *Actions) Summary(tiers ...string) error {
	path := a.getenv("GITHUB_STEP_SUMMARY")
	if path == "" {
		return nil
	}
	room := MaxSummary - len("\n") // the library ends what it writes with a line end
	if info, err := os.Stat(path); err == nil {
		room -= int(info.Size())
	}
	text, _ := fit(tiers, room, bytesOf, summaryCut)
	if text == "" {
		return errors.New("step summary: there is no room left in it")
	}
	return try("step summary", func() { a.gha.AddStepSummary(text) })
}

// Output sets an output of the step. The library's own delimiter is a fixed word, which a hostile value could hold; this
// one is random. Too large a value is an error, and nothing is written: GitHub would drop the outputs silently.
func (a *Actions) Output(name, value string) error {
	if a.getenv("GITHUB_OUTPUT") == "" {
		return nil
	}
	if !plainName(name) {
		return fmt.Errorf("output %q: a name is letters, digits, dashes and underscores", name)
	}
	size := 2 * len(utf16.Encode([]rune(name+value)))
	if a.outputs+size > MaxOutputs {
		return fmt.Errorf("output %s: %d bytes are more than what is left of the %d that a job may put out", name, size, MaxOutputs)
	}
	delimiter := "sluice_" + rand.Text()
	message := name + "<<" + delimiter + "\n" + value + "\n" + delimiter
	err := try("output "+name, func() {
		a.gha.IssueFileCommand(&githubactions.Command{Name: "output", Message: message})
	})
	if err == nil {
		a.outputs += size
	}
	return err
}

func plainName(name string) bool {
	return name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == ""
}

// try turns the library's panic, its only way to say that it could not write, into an error.
func try(what string, write func()) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%s: %v", what, r)
		}
	}()
	write()
	return nil
}

// The levels of an annotation.
const (
	LevelError   = "error"
	LevelWarning = "warning"
	LevelNotice  = "notice"
)

// Annotation is a remark on lines of a file.
type Annotation struct {
	Path      string // slash-separated, from the repository's root; "" for a remark on the run as a whole
	Line      int    // 1-based; 0: the file as a whole
	EndLine   int    // 0: the same line
	Column    int    // 1-based; 0: the whole line. Used only when the remark is on one line
	EndColumn int    // 0: the same column
	Level     string // one of the Level constants
	Title     string
	Message   string
}

// Annotate prints annotations as workflow commands, in order, and returns how many it left out: a step shows ten errors,
// ten warnings and ten notices, and GitHub drops the rest without a word. A line in the log says so.
func (a *Actions) Annotate(annotations []Annotation) (leftOut int) {
	for _, an := range annotations {
		if a.shown[an.Level] >= MaxAnnotations {
			leftOut++
			continue
		}
		a.shown[an.Level]++
		a.gha.IssueCommand(an.command())
	}
	if leftOut > 0 {
		a.gha.Infof("%d more annotations are not shown here: GitHub shows %d of each level per step. The summary has them all.", leftOut, MaxAnnotations)
	}
	return leftOut
}

func (an Annotation) command() *githubactions.Command {
	props := githubactions.CommandProperties{}
	set := func(name, value string) {
		if value != "" && value != "0" {
			props[name] = value
		}
	}
	set("file", an.Path)
	set("title", an.Title)
	if an.Path != "" {
		set("line", strconv.Itoa(an.Line))
		set("endLine", strconv.Itoa(an.EndLine))
		set("col", strconv.Itoa(an.Column))
		set("endColumn", strconv.Itoa(an.EndColumn))
	}
	level := an.Level
	if level != LevelError && level != LevelWarning {
		level = LevelNotice
	}
	return &githubactions.Command{Name: level, Message: an.Message, Properties: props}
}

// Group starts a part of the log that is folded under a title; end ends it.
func (a *Actions) Group(title string) (end func()) {
	a.gha.Group(title)
	return a.gha.EndGroup
}

// Mask has the runner replace a secret in the log from now on. The runner masks by line, so each line is masked. Call it
// before the first print of the secret.
func (a *Actions) Mask(secret string) {
	for line := range strings.Lines(secret) {
		if line = strings.TrimRight(line, "\r\n"); strings.TrimSpace(line) != "" {
			a.gha.AddMask(line)
		}
	}
}

// Untrusted gives a writer to the log for text that strangers had a hand in. Until end is called, the runner takes no
// line of it for a command: neither `::error::` nor the older `##[error]`.
func (a *Actions) Untrusted() (w io.Writer, end func()) {
	token := rand.Text()
	a.gha.IssueCommand(&githubactions.Command{Name: "stop-commands", Message: token})
	return a.w, func() {
		// The text may not end with a line end, and a command counts only at a line's beginning.
		fmt.Fprintf(a.w, "\n::%s::\n", token)
	}
}
