package cli

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
)

// ownerFiles are the places of CODEOWNERS; the first that is there counts.
// Source: https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners
var ownerFiles = []string{".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"}

// owners says which of the guarded files nobody owns, CODEOWNERS itself among them, and reports whether all are owned.
func (d *diagnosis) owners(tree fs.FS, guarded []string) bool {
	for _, file := range ownerFiles {
		data, err := fs.ReadFile(tree, file)
		if err != nil {
			continue
		}
		rules := readOwners(string(data))
		all := true
		for _, name := range append(guarded, file) {
			if !rules.own(name) {
				all = false
				d.say(wrong, "%s: nobody owns %s: whoever may approve a pull request may change what it is held to", file, strings.TrimSuffix(name, "any.rego"))
			}
		}
		if all {
			d.say(fine, "%s: what decides has owners", file)
		}
		return all
	}
	lines := ""
	for _, name := range append([]string{".github/"}, guarded...) { // the workflows and CODEOWNERS itself
		if name = strings.TrimSuffix(name, "any.rego"); name == ".github/" || !strings.HasPrefix(name, ".github/") {
			lines += fmt.Sprintf("\n             /%s @OWNER/TEAM", name)
		}
	}
	d.say(wrong, "there is no CODEOWNERS: whoever may approve a pull request may change what it is held to. Write .github/CODEOWNERS, "+
		"with who decides in place of @OWNER/TEAM:%s", lines)
	return false
}

// ownerRule is one line of CODEOWNERS.
type ownerRule struct {
	pattern *regexp.Regexp
	owned   bool // it names owners; a pattern without any takes them away
}

type ownerRules []ownerRule

// own reports whether a file has owners: the last pattern that matches it decides.
func (rules ownerRules) own(name string) (owned bool) {
	for _, rule := range rules {
		if rule.pattern.MatchString(name) {
			owned = rule.owned
		}
	}
	return owned
}

func readOwners(text string) ownerRules {
	var rules ownerRules
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		if len(fields) == 0 || strings.HasPrefix(fields[0], "!") || strings.ContainsAny(fields[0], "[]\\") {
			continue // GitHub does not take negation, ranges and escapes
		}
		rules = append(rules, ownerRule{ownerPattern(fields[0]), len(fields) > 1})
	}
	return rules
}

// ownerPattern translates a pattern: as in .gitignore, a slash at the beginning or in the middle ties it to the root, and a
// directory's pattern covers everything below, but for one that ends in /*.
func ownerPattern(pattern string) *regexp.Regexp {
	pattern = strings.ToValidUTF8(pattern, "\uFFFD") // a regular expression must be valid
	trimmed := strings.Trim(pattern, "/")
	var b strings.Builder
	b.WriteString("^")
	if !strings.HasPrefix(pattern, "/") && !strings.Contains(trimmed, "/") {
		b.WriteString("(?:.*/)?")
	}
	segments := strings.Split(trimmed, "/")
	for i, segment := range segments {
		last := i == len(segments)-1
		switch {
		case segment == "**" && last:
			b.WriteString(".*")
		case segment == "**":
			b.WriteString("(?:.*/)?")
		default:
			text := regexp.QuoteMeta(segment)
			text = strings.ReplaceAll(text, `\*`, "[^/]*")
			b.WriteString(strings.ReplaceAll(text, `\?`, "[^/]"))
			if !last {
				b.WriteString("/")
			}
		}
	}
	switch {
	case strings.HasSuffix(pattern, "/"):
		b.WriteString("/.*")
	case path.Base(trimmed) != "*" || len(segments) == 1:
		b.WriteString("(?:/.*)?")
	}
	b.WriteString("$")
	return regexp.MustCompile(b.String())
}
