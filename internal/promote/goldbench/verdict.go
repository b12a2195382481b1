package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice/internal/promote"
	"go.yaml.in/yaml/v3"
)

// verdict says how the engine's result compares with the person's.
type verdict int

const (
	exact verdict = iota
	same
	more
	less
	different
)

func (v verdict) String() string {
	return [...]string{"exact", "same", "more", "less", "different"}[v]
}

func (v verdict) good() bool { return v <= more }

// compare judges one pair of directories. The worst pair counts.
func (o *outcome) compare(before, person promote.Files, result promote.Result, named []string, pairs []promote.Pair, h history) error {
	engine := maps.Clone(before)
	for _, e := range result.Edits {
		if e.Action == promote.Delete {
			delete(engine, e.Path)
		} else {
			engine[e.Path] = e.File
		}
	}
	o.result = result
	sources := map[string]string{}
	for _, p := range pairs {
		sources[p.To] = p.From
	}
	allExact, wanted, missing, wrong, extra := true, 0, 0, 0, 0
	for _, e := range result.Edits {
		if e.Was != "" { // a rename: what moved along is not changed
			before = maps.Clone(before)
			before[e.Path], sources[e.Path] = before[e.Was], sources[e.Was]
			delete(before, e.Was)
		}
	}
	for _, name := range sortedUnion(before, engine) {
		isNamed := slices.Contains(named, name)
		if !isNamed && bytes.Equal(before[name].Data, engine[name].Data) {
			continue
		}
		was, did := fields(name, before), fields(name, engine)
		want := was
		if isNamed {
			want = fields(name, person)
		}
		if !bytes.Equal(engine[name].Data, person[name].Data) || !isNamed {
			allExact = false
			if isNamed {
				o.diff += unified(name, string(person[name].Data), string(engine[name].Data))
			} else {
				o.others = append(o.others, name)
			}
		}
		for _, path := range union(was, want, did) {
			switch {
			case did[path] == want[path]:
				if want[path] != was[path] {
					wanted++
				}
			case want[path] != was[path] && did[path] == was[path]:
				missing++
			case want[path] == was[path]:
				extra++
				o.extras = append(o.extras, fmt.Sprintf("%s %s: %.60q became %.60q", name, path, was[path], did[path]))
				owned, err := owned(h, sources[name], path, was[path])
				if err != nil {
					return err
				}
				if owned {
					o.overwritten = append(o.overwritten, fmt.Sprintf("%s %s: %.80q became %.80q", name, path, was[path], did[path]))
				}
			default:
				wrong++
			}
		}
	}
	v := different
	switch {
	case allExact:
		v = exact
	case wrong == 0 && missing == 0 && extra == 0:
		v = same
	case wrong == 0 && missing == 0:
		v = more
	case wrong == 0 && extra == 0 && wanted > 0, wrong == 0 && extra == 0 && len(result.Edits) == 0:
		v = less
	}
	o.verdict = max(o.verdict, v)
	return nil
}

// owned reports whether no version of the source ever had a value at a path, the names of environments apart.
func owned(h history, source, path, value string) (bool, error) {
	if value == "" {
		return false, nil
	}
	versions, _, err := h.Versions(source)
	if err != nil {
		return false, err
	}
	for _, v := range versions {
		if v.Deleted {
			continue
		}
		for p, was := range fields(source, promote.Files{source: {Data: v.Data}}) {
			if neutral(p) == neutral(path) && neutral(was) == neutral(value) {
				return false, nil
			}
		}
	}
	return true, nil
}

// neutral is a text without the names of environments.
func neutral(s string) string { return envs.ReplaceAllString(s, "ENV") }

var envs = regexp.MustCompile(`\b(dev|development|int|integration|staging|stg|prod|production)\b`)

func union(list ...map[string]string) []string {
	all := map[string]bool{}
	for _, m := range list {
		for k := range m {
			all[k] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// fields are the scalars of a file by their paths, written apart from the engine's own reading: list items are named by
// their name, or are themselves. What is no YAML is its lines.
func fields(name string, files promote.Files) map[string]string {
	f, ok := files[name]
	if !ok {
		return nil
	}
	out := map[string]string{}
	switch path.Ext(name) {
	case ".yaml", ".yml", ".json", ".env", "":
		if docs, ok := parse(f.Data); ok {
			for i, doc := range docs {
				id := ""
				if len(docs) > 1 {
					id = itemName(doc, i)
				}
				flatten(out, id, doc)
			}
			return out
		}
	}
	for line := range strings.Lines(string(f.Data)) {
		out[strings.TrimRight(line, "\r\n")] = "line"
	}
	return out
}

func parse(data []byte) ([]any, bool) {
	var docs []any
	for dec := yaml.NewDecoder(bytes.NewReader(data)); ; {
		var doc any
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, false
		}
		if _, isMap := doc.(map[string]any); !isMap && doc != nil {
			if _, isList := doc.([]any); !isList {
				return nil, false
			}
		}
		docs = append(docs, doc)
	}
	return docs, len(docs) > 0
}

func flatten(out map[string]string, at string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for key, part := range v {
			flatten(out, at+"/"+key, part)
		}
	case []any:
		for i, item := range v {
			flatten(out, at+"/"+itemName(item, i), item)
		}
	case string:
		if strings.Contains(strings.TrimSpace(v), "\n") { // a file inside a ConfigMap: its lines
			times := map[string]int{}
			for line := range strings.Lines(v) {
				line = strings.TrimSpace(strings.Trim(strings.TrimSpace(line), ","))
				times[line]++
				out[fmt.Sprintf("%s/%s#%d", at, line, times[line])] = "line."
			}
			return
		}
		out[at] = v + "." // the dot tells "" from nothing
	default:
		out[at] = fmt.Sprintf("%v.", v)
	}
}

func itemName(item any, i int) string {
	switch item := item.(type) {
	case map[string]any:
		if meta, ok := item["metadata"].(map[string]any); ok {
			return fmt.Sprint(item["kind"], " ", meta["name"])
		}
		if name, ok := item["name"]; ok {
			return fmt.Sprint(name)
		}
		for _, key := range []string{"path", "target", "key", "id"} {
			if id, ok := item[key]; ok {
				return fmt.Sprint(key, "=", id)
			}
		}
		return fmt.Sprint(i)
	case []any:
		return fmt.Sprint(i)
	}
	return fmt.Sprintf("[%v]", item)
}
