package promote

import (
	"errors"
	"fmt"
	"path"
	"strings"
)

// Rule selects fields of files. In .sluice.yaml it stands under promotion.keep and promotion.always, as a map with the keys
// files and path, or as a bare path.
type Rule struct {
	Files string // glob over the path below the target's directory, "**" for any directories; "" means all files
	Path  string // field pattern, see ParseRule; "" means the whole file
	Why   string // what a report says; "" has a default

	// A default of keep yields where history shows that the two sides took their value from each other: the target then does
	// not own the field. A default of always yields to what the configuration keeps. A rule of the configuration never yields.
	yields bool
}

// The rules that hold where the configuration has none. Sources: the fields of apps/v1, autoscaling/v2, networking.k8s.io/v1
// and core/v1, kustomize's Kustomization, the values that `helm create` writes, Argo CD's Application and Flux's HelmRelease.
var (
	DefaultKeep = yielding([]Rule{
		{Path: "**.replicas", Why: "the number of replicas is the target's own"},
		{Path: "replicas[*].**", Why: "the number of replicas is the target's own"},
		{Path: "**.replicaCount", Why: "the number of replicas is the target's own"},
		{Path: "**.minReplicas", Why: "the number of replicas is the target's own"},
		{Path: "**.maxReplicas", Why: "the number of replicas is the target's own"},
		{Path: "**.containers[*].resources.**", Why: "compute resources are the target's own"},
		{Path: "**.initContainers[*].resources.**", Why: "compute resources are the target's own"},
		{Path: "**.resources.limits.**", Why: "compute resources are the target's own"},
		{Path: "**.resources.requests.**", Why: "compute resources are the target's own"},
		{Path: "spec.rules[*].host", Why: "hosts are the target's own"},
		{Path: "spec.tls[*].hosts.**", Why: "hosts are the target's own"},
		{Path: "**.ingress.host", Why: "hosts are the target's own"},
		{Path: "**.ingress.hosts.**", Why: "hosts are the target's own"},
		{Path: "**.ingress.tls.**", Why: "hosts are the target's own"},
		{Path: "spec.hostnames.**", Why: "hosts are the target's own"},
		{Path: "**.namespace", Why: "the namespace is the target's own"},
		{Path: "**.targetNamespace", Why: "the namespace is the target's own"},
		{Path: "**.persistence.size", Why: "storage sizes are the target's own"},
		{Path: "**.storage", Why: "storage sizes are the target's own"},
	})
	DefaultAlways = yielding([]Rule{
		{Path: "images[*].**"},
		{Path: "**.image"},
		{Path: "**.image.tag"},
		{Path: "**.image.digest"},
		{Path: "**.imageTag"},
		{Path: "**.targetRevision"},
		{Path: "spec.chart.spec.version"},
		{Path: "helmCharts[*].version"},
		{Path: "resources[*]"},
		{Path: "components[*]"},
		{Path: "bases[*]"},
		{Files: "**/*.env", Path: "*_TAG"},
		{Files: "**/*.env", Path: "*_VERSION"},
	})
)

func yielding(rules []Rule) []Rule {
	for i := range rules {
		rules[i].yields = true
	}
	return rules
}

// ParseRule checks a rule. A field pattern is like a field path, spec.containers[name=web].image, in which * stands for any
// text within a key, [*] for any list item and ** for any number of keys and items, none included.
func ParseRule(files, field, why string) (Rule, error) {
	r := Rule{Files: files, Path: field, Why: why}
	if field == "" && files == "" {
		return r, errors.New("a rule needs a path or files")
	}
	for _, segment := range splitPath(field) {
		if segment == "" {
			return r, fmt.Errorf("the path %q has an empty part", field)
		}
		if _, err := path.Match(glob(segment), ""); err != nil {
			return r, fmt.Errorf("the path %q: %w", field, err)
		}
	}
	for _, segment := range strings.Split(files, "/") {
		if _, err := path.Match(segment, ""); err != nil {
			return r, fmt.Errorf("the file pattern %q: %w", files, err)
		}
	}
	return r, nil
}

// find gives the first rule that selects a field; whole-file rules have no path.
func find(rules []Rule, file string, field fieldPath) (Rule, bool) {
	for _, r := range rules {
		if r.Files != "" && !matchSegments(strings.Split(r.Files, "/"), strings.Split(file, "/"), path.Match) {
			continue
		}
		if matchSegments(splitPath(r.Path), field, matchField) || (r.Path == "" && r.Files != "") {
			return r, true
		}
	}
	return Rule{}, false
}

// matchSegments matches a list of patterns, of which "**" stands for any number of segments.
func matchSegments(pattern, segments []string, match func(pattern, name string) (bool, error)) bool {
	for len(pattern) > 0 {
		if pattern[0] == "**" {
			for i := 0; i <= len(segments); i++ {
				if matchSegments(pattern[1:], segments[i:], match) {
					return true
				}
			}
			return false
		}
		if len(segments) == 0 {
			return false
		}
		if ok, err := match(pattern[0], segments[0]); !ok || err != nil {
			return false
		}
		pattern, segments = pattern[1:], segments[1:]
	}
	return len(segments) == 0
}

// matchField matches one segment of a field path. Slashes have no meaning there, unlike in path.Match.
func matchField(pattern, segment string) (bool, error) {
	if isItem(pattern) != isItem(segment) {
		return false, nil
	}
	return path.Match(glob(pattern), strings.NewReplacer(placeholder, shownPlaceholder, "/", "\x00").Replace(segment))
}

// glob is a field segment as a pattern for path.Match.
func glob(segment string) string {
	segment = strings.ReplaceAll(segment, "/", "\x00")
	segment = strings.ReplaceAll(segment, "[", `\[`)
	return strings.ReplaceAll(segment, "]", `\]`)
}

// splitPath parts a field path: "a.b[x=y].c" is a, b, [x=y], c. A key with a dot is written ["a.b"].
func splitPath(s string) []string {
	var out []string
	var b strings.Builder
	flush := func() {
		if b.Len() > 0 {
			out = append(out, b.String())
			b.Reset()
		}
	}
	depth := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '.' && depth == 0:
			if b.Len() == 0 && (i == 0 || s[i-1] != ']') {
				out = append(out, "")
			}
			flush()
		case c == '[':
			if depth == 0 {
				flush()
			}
			depth++
			b.WriteByte(c)
		case c == ']' && depth > 0:
			depth--
			b.WriteByte(c)
			if depth == 0 {
				flush()
			}
		default:
			b.WriteByte(c)
		}
	}
	flush()
	return out
}

// fieldPath are the keys and items that lead to a field: "spec", "containers", "[name=web]", "image".
type fieldPath []string

// isItem reports whether a segment names a list item, and not a key in brackets and quotes.
func isItem(segment string) bool {
	return strings.HasPrefix(segment, "[") && !strings.HasPrefix(segment, `["`)
}

// String gives the form that findings use.
func (p fieldPath) String() string {
	var b strings.Builder
	for i, segment := range p {
		if i > 0 && !strings.HasPrefix(segment, "[") {
			b.WriteByte('.')
		}
		b.WriteString(strings.ReplaceAll(segment, placeholder, shownPlaceholder))
	}
	return b.String()
}

func (p fieldPath) child(segment string) fieldPath {
	return append(p[:len(p):len(p)], segment)
}
