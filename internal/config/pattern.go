package config

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

var capture = regexp.MustCompile(`\{[^{}]*\}`)

// capturesOf gives the names that a path pattern captures.
func capturesOf(pattern string) ([]string, error) {
	var out []string
	for _, c := range capture.FindAllString(pattern, -1) {
		name := strings.Trim(c, "{}")
		switch {
		case name != "app" && name != "env":
			return nil, fmt.Errorf("it captures %s, but only {app} and {env} can be captured", quoted(c))
		case slices.Contains(out, name):
			return nil, fmt.Errorf("it captures {%s} twice", name)
		}
		out = append(out, name)
	}
	if strings.ContainsAny(capture.ReplaceAllString(pattern, ""), "{}") {
		return nil, errors.New("a brace is not closed")
	}
	return out, nil
}

// pathProblem says what is wrong with a path or pattern from the repository's root; "" when nothing is.
func pathProblem(name string) string {
	for _, segment := range strings.Split(name, "/") {
		switch {
		case segment == "..":
			return "leaves the repository: begin at its root"
		case segment == "." && name != ".":
			return `has a segment ".": leave it out`
		case strings.Contains(segment, "**") && segment != "**":
			return `has "**" beside other text: it must be a segment of its own`
		}
	}
	return ""
}

// pathMatcher matches directories against a path pattern.
type pathMatcher struct {
	exact *regexp.Regexp // where {env} is one of the known names
	loose *regexp.Regexp // where {env} is anything, to say what was not known
}

func compilePath(pattern string, environments []string) pathMatcher {
	alternatives := make([]string, len(environments))
	for i, name := range environments {
		alternatives[i] = regexp.QuoteMeta(name)
	}
	return pathMatcher{
		exact: translate(pattern, "(?P<env>"+strings.Join(alternatives, "|")+")"),
		loose: translate(pattern, `(?P<env>[^/]+)`),
	}
}

// match gives what a directory's path captures.
func match(re *regexp.Regexp, dir string) (app, env string, ok bool) {
	m := re.FindStringSubmatch(dir)
	if m == nil {
		return "", "", false
	}
	if i := re.SubexpIndex("app"); i >= 0 {
		app = m[i]
	}
	if i := re.SubexpIndex("env"); i >= 0 {
		env = m[i]
	}
	return app, env, true
}

// translate makes a regular expression of a pattern. ** as the last segment also matches nothing at all.
func translate(pattern, env string) *regexp.Regexp {
	var b strings.Builder
	b.WriteString("^")
	segments := strings.Split(pattern, "/")
	for i, segment := range segments {
		last := i == len(segments)-1
		switch {
		case segment == "**" && last:
			b.WriteString(".*")
		case segment == "**":
			b.WriteString("(?:[^/]+/)*")
		default:
			b.WriteString(translateSegment(segment, env))
			if !last && !(segments[i+1] == "**" && i+1 == len(segments)-1) {
				b.WriteString("/")
			} else if !last {
				b.WriteString("(?:/|$)")
			}
		}
	}
	b.WriteString("$")
	return regexp.MustCompile(b.String())
}

func translateSegment(segment, env string) string {
	text := regexp.QuoteMeta(segment)
	text = strings.ReplaceAll(text, `\{app\}`, `(?P<app>[^/]+)`)
	text = strings.ReplaceAll(text, `\{env\}`, env)
	return strings.ReplaceAll(text, `\*`, `[^/]*`)
}

// Match reports whether a directory, or one above it, is what the glob chooses.
func (g Glob) Match(dir string) bool {
	if !strings.ContainsAny(string(g), "*{}") { // nothing but itself: it is matched a great many times
		return g == "." || dir == string(g) || strings.HasPrefix(dir, string(g)+"/")
	}
	re := translate(string(g), "")
	for !re.MatchString(dir) {
		if dir == "." {
			return false
		}
		dir = path.Dir(dir)
	}
	return true
}

// excluder gives a function that tells which directories are excluded, themselves or by one above them.
func (c *Config) excluder() func(dir string) (by Glob, excluded bool) {
	type exclusion struct {
		glob Glob
		re   *regexp.Regexp
	}
	var exclusions []exclusion
	for _, glob := range c.Exclude {
		if glob != "" && pathProblem(string(glob)) == "" {
			exclusions = append(exclusions, exclusion{glob, translate(string(glob), "")})
		}
	}
	return func(dir string) (Glob, bool) {
		for ; dir != "."; dir = path.Dir(dir) {
			for _, e := range exclusions {
				if e.re.MatchString(dir) {
					return e.glob, true
				}
			}
		}
		return "", false
	}
}
