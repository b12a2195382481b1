package diff

import (
	"regexp"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice/internal/manifest"
)

// Rule chooses objects and fields of them. Without Paths and Annotations it chooses whole objects; without Kinds, objects of
// any kind.
type Rule struct {
	Kinds []string // "Deployment", or "Deployment.apps" with its group; * stands for any text
	// Paths are field paths as a diff's headers write them: spec.template.spec.containers[name=web].image. * stands for any text
	// within a step, [*] for any item of a list, ** for any steps. A path chooses everything below it, too.
	Paths       []string
	Annotations []string // names of annotations, of the object and of its pod template; * stands for any text
}

// rules are compiled, for one object.
type rules struct {
	whole       bool // the object as a whole
	paths       []*regexp.Regexp
	annotations []*regexp.Regexp
}

// rulesFor gives what the rules choose in objects of a kind; nil for nothing.
func rulesFor(all []Rule, id manifest.ID) *rules {
	var out *rules
	for _, r := range all {
		if len(r.Kinds) > 0 && !slices.ContainsFunc(r.Kinds, func(pattern string) bool {
			kind := Glob(pattern)
			return kind.MatchString(id.Kind) || kind.MatchString(id.Kind+"."+id.Group)
		}) {
			continue
		}
		if out == nil {
			out = &rules{}
		}
		out.whole = out.whole || len(r.Paths)+len(r.Annotations) == 0
		for _, path := range r.Paths {
			out.paths = append(out.paths, PathPattern(path))
		}
		for _, name := range r.Annotations {
			out.annotations = append(out.annotations, Glob(name))
		}
	}
	return out
}

// choose reports whether the rules choose a field; key is its name.
func (r *rules) choose(self *path, key string) bool {
	switch {
	case r == nil || self == nil:
		return false
	case self.up != nil && self.up.up != nil && self.up.step == ".annotations" && self.up.up.step == ".metadata" && matchesAny(r.annotations, key):
		return true
	default:
		return len(r.paths) > 0 && matchesAny(r.paths, self.String())
	}
}

func matchesAny(patterns []*regexp.Regexp, text string) bool {
	return slices.ContainsFunc(patterns, func(p *regexp.Regexp) bool { return p.MatchString(text) })
}

// Glob compiles a pattern in which * stands for any text.
func Glob(pattern string) *regexp.Regexp {
	parts := strings.Split(pattern, "*")
	for i, part := range parts {
		parts[i] = regexp.QuoteMeta(part)
	}
	return regexp.MustCompile(`\A` + strings.Join(parts, `.*`) + `\z`)
}

// PathPattern compiles the pattern of a field path, as [Rule] describes it. It also matches what is below the field.
func PathPattern(pattern string) *regexp.Regexp {
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		switch rest := pattern[i:]; {
		case strings.HasPrefix(rest, "**"):
			b.WriteString(`.*`)
			i++
		case strings.HasPrefix(rest, "[*]"):
			b.WriteString(`\[(?:"[^"]*"|[^\]]*)\]`)
			i += 2
		case pattern[i] == '*':
			b.WriteString(`[^.\[\]]*`)
		default:
			b.WriteString(regexp.QuoteMeta(pattern[i : i+1]))
		}
	}
	return regexp.MustCompile(`\A` + b.String() + `(?:[.\[].*)?\z`)
}
