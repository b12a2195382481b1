package render

import (
	"path"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sluice-dev/sluice/internal/finding"
)

// explain says why kustomize failed: with what the inspection suspected where that is so, else with the useful part
// of kustomize's message.
func (in *inspection) explain(job jobMessage, failed crash) finding.List {
	if len(in.suspects) > 0 && !failed.panicked {
		return in.suspects
	}
	target := finding.Pos{File: job.Dir}
	if len(in.visited) > 0 && job.Kind != "manifests" {
		target.File = in.visited[0].file
	}
	for _, name := range in.repo.large {
		return finding.List{problem("render/too-large", finding.Pos{File: name}, "this file is larger than %d MiB", maxInput>>20)}
	}
	if failed.panicked {
		return finding.List{problem("render/panic", target, "kustomize crashed on this target: %s", sentence(failed.err.Error()))}
	}
	cause := causeOf(failed.err.Error())
	if cause.dir != "" {
		if k := in.known[cause.dir]; k != nil {
			target.File = k.file
		}
	}
	for _, e := range explanations {
		if m := e.pattern.FindStringSubmatch(cause.text); m != nil {
			rule, pos, message := e.explain(in, target, m)
			return finding.List{problem(rule, pos, "%s", message)}
		}
	}
	for _, name := range in.repo.outside {
		return finding.List{problem("render/outside-repository", target, "%q leaves the repository: only files of the repository are read", strings.TrimPrefix(name, mount+"/"))}
	}
	return finding.List{problem("render/failed", target, "kustomize cannot render this: %s", sentence(cause.text))}
}

// cause is the useful part of kustomize's message, and the directory it is about where it says so.
type cause struct{ text, dir string }

var (
	recursed = regexp.MustCompile(`(?s)^.*(?:recursed accumulation of path|recursed merging from path|couldn't make target for path) '` + mount + `/?([^']*)': (.*)$`)
	wrapper  = regexp.MustCompile(`(?s)^(?:accumulating resources|accumulating components|accumulateDirectory|accumulating resources from '[^']*'|merging resources from '[^']*'|loader\.New): `)
	attempt  = regexp.MustCompile(`(?s)^accumulation err='(.*)': (must build at directory: .*)$`)
)

// causeOf takes kustomize's chain of errors apart. kustomize tries each resource as a file and then as a directory,
// and reports both failures; the one that is about what stands there is kept.
func causeOf(message string) cause {
	c := cause{text: message}
	for range 100 {
		text := c.text
		if m := recursed.FindStringSubmatch(text); m != nil {
			c.dir, c.text = m[1], m[2]
		} else if m := wrapper.FindString(text); m != "" {
			c.text = text[len(m):]
		} else if m := attempt.FindStringSubmatch(text); m != nil {
			c.text = m[1]
		} else if inner, ok := strings.CutPrefix(text, `"`); ok && strings.HasSuffix(inner, `"`) {
			c.text = strings.NewReplacer(`\"`, `"`, `\n`, "\n").Replace(strings.TrimSuffix(inner, `"`))
		}
		if c.text == text {
			break
		}
	}
	return c
}

// pointer is how Go prints a pointer to a struct: an address differs from run to run.
var pointer = regexp.MustCompile(`(?:&\{)?0x[0-9a-f]+(?: <nil>\})?`)

// sentence makes one readable line of a message: no paths or addresses of the worker, no line breaks, not too long.
func sentence(message string) string {
	message = strings.ReplaceAll(message, mount+"/", "")
	message = strings.ReplaceAll(message, mount, ".")
	message = pointer.ReplaceAllString(message, "")
	message = strings.ReplaceAll(message, "unable to unmarshal", "cannot unmarshal") // a JSON library says either, by chance
	message = strings.Join(strings.Fields(message), " ")
	const most = 500
	if len(message) > most {
		message = strings.ToValidUTF8(message[:most], "") + " …"
	}
	return message
}

type explanation struct {
	pattern *regexp.Regexp
	explain func(in *inspection, target finding.Pos, match []string) (rule string, pos finding.Pos, message string)
}

func always(rule, message string) func(*inspection, finding.Pos, []string) (string, finding.Pos, string) {
	return func(_ *inspection, target finding.Pos, m []string) (string, finding.Pos, string) {
		out := message
		for i := len(m) - 1; i > 0; i-- {
			out = strings.ReplaceAll(out, "$"+string(rune('0'+i)), sentence(m[i]))
		}
		return rule, target, out
	}
}

// explanations are the messages of kustomize that have a better wording or position than their own. The first that
// fits is taken.
var explanations = []explanation{
	{regexp.MustCompile(`json: unknown field "([^"]+)"`), func(in *inspection, target finding.Pos, m []string) (string, finding.Pos, string) {
		return "render/kustomization", in.locate(target, m[1]), "a kustomization has no field \"" + m[1] + "\": correct its name, or remove it"
	}},
	{regexp.MustCompile(`json: cannot unmarshal (\w+) into Go struct field [\w.]*?([\w]+) of type (\S+)`), func(in *inspection, target finding.Pos, m []string) (string, finding.Pos, string) {
		return "render/kustomization", in.locate(target, m[2]), "the field \"" + m[2] + "\" cannot be a " + m[1] + ": kustomize needs " + goType(m[3])
	}},
	{regexp.MustCompile(`(?s)invalid Kustomization: (.*)`), always("render/kustomization", "this kustomization is not valid: $1")},
	{regexp.MustCompile(`kustomization\.yaml is empty`), always("render/kustomization", "this kustomization is empty: name at least one resource")},
	{regexp.MustCompile(`(?s)Failed to read kustomization file under .*?:\s(.*)`), always("render/kustomization", "this kustomization is not valid: $1")},
	{regexp.MustCompile(`expected kind (!?=? ?)'Component' for path '` + mount + `/?([^']*)'`), func(in *inspection, target finding.Pos, m []string) (string, finding.Pos, string) {
		if m[1] == "" {
			return "render/kustomization", in.position(m[2], target), "this is used as a component, but its kind is not Component: set the kind, or list it under resources"
		}
		return "render/kustomization", in.position(m[2], target), "this is a component, but it is listed under resources: list it under components"
	}},
	{regexp.MustCompile(`cycle detected: candidate root '` + mount + `/?([^']*)' contains visited root`), always("render/cycle", "$1 is being rendered here already: a kustomization cannot contain itself, nor a directory above its own")},
	{regexp.MustCompile(`may not add resource with an already registered id: (.+?)(?:'|$)`), func(in *inspection, target finding.Pos, m []string) (string, finding.Pos, string) {
		return in.duplicateObject(target, m[1])
	}},
	{regexp.MustCompile(`no (?:resource )?matches for (?:Id|strategic merge patch) (.+?)(?:;|$)`), func(in *inspection, target finding.Pos, m []string) (string, finding.Pos, string) {
		return "render/patch-target", in.locatePatch(target, m[1]), "this patch is for " + readableID(m[1]) + ", and there is no such object here: correct its kind, name or namespace, or remove the patch"
	}},
	{regexp.MustCompile(`id resid\.ResId\{.*Kind:"([^"]*)".*Name:"([^"]*)".*\} exists; can not use behavior`),
		always("render/duplicate-object", "$1 $2 exists already, and a generator makes it again: give the generator the behavior merge or replace, or another name")},
	{regexp.MustCompile(`id resid\.ResId\{.*Kind:"([^"]*)".*Name:"([^"]*)".*\} does not exist; cannot merge or replace`),
		always("render/duplicate-object", "a generator would merge into $1 $2, and there is none: give the generator the behavior create, or correct its name")},
	{regexp.MustCompile(`(?s)((?:add|replace|remove|test|copy|move) operation does not apply: .*|error in remove for path: .*|testing value .* failed: .*)$`), func(in *inspection, target finding.Pos, m []string) (string, finding.Pos, string) {
		return "render/patch", in.locateOperation(target, m[1]), "this JSON patch does not fit the object: " + sentence(m[1])
	}},
	{regexp.MustCompile(`(?s)(nothing selected by .*|unable to find field .* in replacement target.*|multiple matches for selector .*)$`), func(in *inspection, target finding.Pos, m []string) (string, finding.Pos, string) {
		return "render/replacement", in.locate(target, "replacements"), "a replacement fails: " + sentence(m[1])
	}},
	{regexp.MustCompile(`the specified OpenAPI version is not built in`), func(in *inspection, target finding.Pos, _ []string) (string, finding.Pos, string) {
		return "render/kustomization", in.locate(target, "openapi"), "kustomize has no OpenAPI schema of this version: leave openapi out, or name a schema file"
	}},
	{regexp.MustCompile(`(?s)external plugins disabled; unable to load external plugin '([^']*)'`), always("render/exec-function", "$1 is a plugin, a program of its own, and programs are never run: render it where you trust it and commit the result, or use a built-in transformer")},
	{regexp.MustCompile(`must specify --enable-helm`), always("render/helm", chartsAreOff)},
	{regexp.MustCompile(`security; file '` + mount + `/?([^']*)' is not in or below '` + mount + `/?([^']*)'`), func(in *inspection, target finding.Pos, m []string) (string, finding.Pos, string) {
		return "render/outside-root", in.restrictedAt(target, m[1]), m[1] + " is not in or below " + m[2] + ", and the setting render.load-restrictor allows nothing else: move the file, or allow the whole repository"
	}},
	{regexp.MustCompile(`there is no network here|executable file not found|no 'git' program`), always("render/remote-base", "this needs a source that is not in this repository: copy it into the repository")},
	{regexp.MustCompile(`open[^:]*: permission denied`), always("render/outside-repository", "this reads a file that is not in the repository")},
}

// goType words the type that kustomize's JSON decoder wanted.
func goType(name string) string {
	switch {
	case strings.HasPrefix(name, "[]"):
		return "a list"
	case strings.HasPrefix(name, "map["):
		return "a mapping"
	case name == "string":
		return "a string"
	case name == "bool":
		return "true or false"
	case strings.Contains(name, "int"):
		return "a number"
	default:
		return "a mapping"
	}
}

// position is the kustomization of a directory.
func (in *inspection) position(dir string, otherwise finding.Pos) finding.Pos {
	if k := in.known[path.Clean(dir)]; k != nil {
		return finding.Pos{File: k.file}
	}
	return otherwise
}

// locate finds a key in the kustomization at pos, or else in any other of the target.
func (in *inspection) locate(pos finding.Pos, name string) finding.Pos {
	for _, only := range []bool{true, false} {
		for _, k := range in.visited {
			if only != (k.file == pos.File) {
				continue
			}
			if n := findKey(k.root, name); n != nil {
				return k.at(n)
			}
		}
	}
	return pos
}

func findKey(n *yaml.Node, name string) *yaml.Node {
	if n == nil {
		return nil
	}
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 && child.Value == name {
			return child
		}
		if found := findKey(child, name); found != nil {
			return found
		}
	}
	return nil
}

// kustomize prints an identity as "Deployment.v1.apps/web.shop" or "Namespace.v1.[noGrp]/shop.[noNs]", and in lists
// as "apps_v1_Deployment|shop|web".
var kustomizeID = regexp.MustCompile(`([A-Za-z0-9]+)\.(v[0-9a-z]+|\[noVer\])\.(\[noGrp\]|[a-z0-9.-]+)/([^\s;'"]+)\.(\[noNs\]|[a-z0-9-]+)`)

func readableID(id string) string {
	m := kustomizeID.FindStringSubmatch(id)
	if m == nil {
		return sentence(id)
	}
	name := m[4]
	if m[5] != "[noNs]" {
		name = m[5] + "/" + name
	}
	return m[1] + " " + name
}

func (in *inspection) locatePatch(target finding.Pos, id string) finding.Pos {
	m := kustomizeID.FindStringSubmatch(id)
	if m == nil {
		return target
	}
	for _, p := range in.patches {
		if p.id.Kind == m[1] && p.id.Name == m[4] {
			return p.pos
		}
	}
	return target
}

// locateOperation finds the JSON patch with an operation on a path that a message quotes.
func (in *inspection) locateOperation(target finding.Pos, message string) finding.Pos {
	for _, p := range in.patches {
		for _, at := range p.paths {
			if strings.Contains(message, at) {
				return p.pos
			}
		}
	}
	return target
}

func (in *inspection) duplicateObject(target finding.Pos, id string) (string, finding.Pos, string) {
	const rule = "render/duplicate-object"
	message := readableID(id) + " is defined twice in this target"
	m := kustomizeID.FindStringSubmatch(id)
	var places []finding.Pos
	for _, o := range in.origins {
		if m != nil && o.id.Kind == m[1] && o.id.Name == m[4] {
			places = append(places, o.pos)
		}
	}
	if len(places) < 2 {
		return rule, target, message + ": remove one"
	}
	return rule, places[1], message + ", first in " + places[0].String() + ": remove one"
}
