package github

import (
	"io"
	"regexp"
)

// commandStart is what the runner takes for the beginning of a command: `::` at the beginning of a line, with any blanks before it, and the
// older `##[` anywhere. Lines end for it at a carriage return too.
// Source: github.com/actions/runner, src/Runner.Common/ActionCommand.cs; .NET's Char.IsWhiteSpace for the blanks.
var commandStart = regexp.MustCompile(`((?:^|[\n\r])[\s\v\x{85}\p{Z}\x{1c}-\x{1f}]*:):|##\[`)

// Harmless gives text in which the runner finds no workflow command, wherever in its log the text is printed: a blank breaks what would be
// one.
func Harmless(text string) string {
	return commandStart.ReplaceAllStringFunc(text, func(found string) string {
		return found[:len(found)-1] + " " + found[len(found)-1:]
	})
}

// HarmlessLog gives a writer that writes to w what is [Harmless]. Each write is taken for whole lines.
func HarmlessLog(w io.Writer) io.Writer { return harmlessLog{w} }

type harmlessLog struct{ w io.Writer }

func (l harmlessLog) Write(p []byte) (int, error) {
	if _, err := io.WriteString(l.w, Harmless(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}
