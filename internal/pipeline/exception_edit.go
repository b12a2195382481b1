package pipeline

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/yamledit"
)

// SameException gives the place of the exception in a configuration that is about the same as e, whoever owns it and whatever its reason and
// its last day; -1 where there is none.
func SameException(cfg *config.Config, e config.Exception) int {
	scope := func(e config.Exception) []any {
		return []any{e.Rule, distinct(e.Environments), distinct(e.Targets), distinct(e.Objects), distinct(e.Paths)}
	}
	return slices.IndexFunc(cfg.Exceptions, func(other config.Exception) bool { return reflect.DeepEqual(scope(other), scope(e)) })
}

// WithException gives the content of a configuration file with an exception in it, at the end of those that it has: comments and layout stay as
// they are. One that is about the same gets the owner, the reason and the day of e instead. An empty file, or none, is a file with this exception only.
//
// The result says what the file said, and the exception: nothing else in it is another than before. A reason that is empty is left for a person to
// write, and [config.Parse] refuses it until then; any other mistake is an error. Errors besides: the file is not a configuration, or
// cannot be edited without risk (*yamledit.UnsafeError).
func WithException(file []byte, e config.Exception) ([]byte, error) {
	before, problems := config.Parse(config.FileName, file)
	if worst, some := problems.Worst(); some && worst == finding.Error {
		return nil, fmt.Errorf("%s has mistakes, which must be corrected first: %s", config.FileName, problems[0])
	}
	out, err := editException(before, file, e)
	if err != nil {
		return nil, err
	}
	after, problems := config.Parse(config.FileName, out)
	at := SameException(after, e)
	if at < 0 || after.Exceptions[at].Owner != e.Owner || after.Exceptions[at].Until != e.Until || after.Exceptions[at].Reason != e.Reason {
		return nil, fmt.Errorf("the exception would not be what it is to be in %s", config.FileName)
	}
	for _, p := range problems {
		if p.Severity == finding.Error && (e.Reason != "" || p.Pos != after.Pos("exceptions", at, "reason")) {
			return nil, errors.New(p.String())
		}
	}
	return out, nil
}

func editException(cfg *config.Config, file []byte, e config.Exception) ([]byte, error) {
	f, err := yamledit.Parse(file)
	if err != nil {
		return nil, err
	}
	item := exceptionNode(e)
	list := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: []*yaml.Node{item}}
	if len(f.Docs()) == 0 { // nothing, or comments only
		f.InsertDoc(0, yamledit.Value(&yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{scalar("exceptions"), list}}))
		return f.Bytes()
	}
	root := f.Docs()[0].Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, &yamledit.UnsafeError{Line: root.Line, Why: "the file holds nothing: delete it, or write a key into it"}
	}
	value := entry(root, "exceptions")
	switch at := SameException(cfg, e); {
	case value == nil:
		f.InsertEntry(root, len(root.Content)/2, yamledit.Scalar("exceptions"), yamledit.Value(list))
	case value.Kind != yaml.SequenceNode: // the file is a configuration, which has no aliases: it is null
		f.Set(value, yamledit.Value(list))
	case at >= 0:
		for _, key := range []string{"owner", "reason", "until"} {
			if old := entry(value.Content[at], key); old != nil {
				f.Set(old, yamledit.Value(entry(item, key)))
			}
		}
	default:
		f.InsertItem(value, len(value.Content), yamledit.Value(item))
	}
	return f.Bytes()
}

// entry gives the value of a key of a map; nil where there is none.
func entry(m *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			return m.Content[i+1]
		}
	}
	return nil
}

func scalar(text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
}

// exceptionNode gives an exception as the configuration has it.
func exceptionNode(e config.Exception) *yaml.Node {
	out := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	add := func(key string, value *yaml.Node) { out.Content = append(out.Content, scalar(key), value) }
	add("rule", scalar(string(e.Rule)))
	addAll(add, "environments", e.Environments)
	addAll(add, "targets", e.Targets)
	addAll(add, "objects", e.Objects)
	addAll(add, "paths", e.Paths)
	add("owner", scalar(string(e.Owner)))
	add("reason", scalar(string(e.Reason)))
	add("until", &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!timestamp", Value: string(e.Until)})
	return out
}

func addAll[T ~string](add func(string, *yaml.Node), key string, values []T) {
	if len(values) == 0 {
		return
	}
	list := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	for _, value := range values {
		list.Content = append(list.Content, scalar(string(value)))
	}
	add(key, list)
}

// ExceptionText writes an exception as an item of the configuration's exceptions, for a person to copy.
func ExceptionText(e config.Exception) string {
	text, _ := yaml.Marshal(&yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: []*yaml.Node{exceptionNode(e)}}) // texts only: it cannot fail
	return strings.TrimSpace(string(text))
}
