package github

import (
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
)

// Command is a line of a comment that begins with /sluice.
type Command struct {
	Name string   // the word after it, in lower case; "" when there is none
	Args []string // the words after that, without the backticks that people put around code
}

const (
	commandWord = "/sluice"
	maxCommands = 10      // of one comment; what is beyond is one command too many, and that is a mistake
	maxLine     = 1 << 10 // bytes of a command
)

// ParseCommands gives the commands of a comment, in order. A command is a line of its own in ordinary text: what stands in a quote,
// in code, in a list, a table or in HTML is talk about a command. A line that is too long, and what goes beyond ten commands, is a
// command without a name.
func ParseCommands(body string) []Command {
	source := []byte(strings.ReplaceAll(body, "\r\n", "\n"))
	var commands []Command
	document := goldmark.DefaultParser().Parse(text.NewReader(source))
	for block := document.FirstChild(); block != nil; block = block.NextSibling() {
		if block.Kind() != ast.KindParagraph {
			continue
		}
		plain := make(map[int]bool) // where text begins that is no part of code, a link, …
		for inline := block.FirstChild(); inline != nil; inline = inline.NextSibling() {
			if t, ok := inline.(*ast.Text); ok {
				plain[t.Segment.Start] = true
			}
		}
		for i := range block.Lines().Len() {
			line := block.Lines().At(i)
			if !plain[line.Start] {
				continue
			}
			command, ok := parseCommand(string(line.Value(source)))
			switch {
			case !ok:
			case len(commands) == maxCommands:
				return append(commands[:maxCommands-1:maxCommands-1], Command{})
			default:
				commands = append(commands, command)
			}
		}
	}
	return commands
}

func parseCommand(line string) (Command, bool) {
	words := strings.Fields(line)
	if len(words) == 0 || words[0] != commandWord {
		return Command{}, false
	}
	var c Command
	if len(line) > maxLine {
		return c, true
	}
	for i, word := range words[1:] {
		if word = strings.Trim(word, "`"); i == 0 {
			c.Name = strings.ToLower(word)
		} else if word != "" {
			c.Args = append(c.Args, word)
		}
	}
	return c, true
}
