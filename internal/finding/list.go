package finding

import (
	"slices"
	"strings"
)

// List is several findings. Its zero value is ready to use.
type List []Finding

// Sort puts the list in its fixed order (see [Compare]).
func (l List) Sort() { slices.SortStableFunc(l, Compare) }

// Worst returns the highest severity in the list; ok is false when the list is empty.
func (l List) Worst() (worst Severity, ok bool) {
	for _, f := range l {
		worst = max(worst, f.Severity)
	}
	return worst, len(l) > 0
}

// String gives one finding a line.
func (l List) String() string {
	lines := make([]string, len(l))
	for i, f := range l {
		lines[i] = f.String()
	}
	return strings.Join(lines, "\n")
}

// pairKey is what makes a finding on base and one on head the same finding: not the position, which moves with
// every edit above it, nor the message, which may quote a value.
type pairKey struct{ rule, object, path string }

func (f Finding) pairKey() pairKey {
	key := pairKey{f.Rule, f.Object, f.Path}
	if f.Object == "" && f.Path == "" {
		key.object, key.path = f.File, f.Message
	}
	return key
}

// Pair compares what one target had on base with what it has on head. Findings pair by rule, object and field
// path, and by count: of two on head and one on base, one is new. The result holds every finding of head, as new or
// existing, and those that only base had, as fixed.
func Pair(target string, base, head List) List {
	onBase := make(map[pairKey]int)
	for _, f := range base {
		onBase[f.pairKey()]++
	}
	var out List
	for _, f := range head {
		state := New
		if key := f.pairKey(); onBase[key] > 0 {
			onBase[key]--
			state = Existing
		}
		out = append(out, f.In(target, state))
	}
	for _, f := range slices.Backward(base) {
		if key := f.pairKey(); onBase[key] > 0 {
			onBase[key]--
			out = append(out, f.In(target, Fixed))
		}
	}
	return out
}

// Join makes one finding of those that are the same in several targets: one mistake in a shared base is one finding
// with fourteen targets. Objects that differ only in their namespace, as those of one base do from environment to
// environment, count as the same, and the joined finding names no namespace. The result is sorted, as are the targets of each finding.
func Join(lists ...List) List {
	type key struct {
		Pos
		rule, object, path, message string
		severity                    Severity
	}
	index := make(map[key]int)
	var out List
	for _, list := range lists {
		for _, f := range list {
			anywhere := withoutNamespace(f.Object)
			k := key{f.Pos, f.Rule, anywhere, f.Path, f.Message, f.Severity}
			i, seen := index[k]
			if !seen {
				index[k] = len(out)
				f.Targets = slices.Clone(f.Targets)
				out = append(out, f)
				continue
			}
			if out[i].Object != f.Object {
				out[i].Object = anywhere
			}
			out[i].Targets = append(out[i].Targets, f.Targets...)
		}
	}
	for i := range out {
		slices.SortFunc(out[i].Targets, func(a, b TargetState) int {
			return strings.Compare(a.ID+"\x00"+string(a.State), b.ID+"\x00"+string(b.State))
		})
		out[i].Targets = slices.Compact(out[i].Targets)
	}
	out.Sort()
	return out
}

// withoutNamespace makes "Deployment.apps shop/web" to "Deployment.apps web".
func withoutNamespace(object string) string {
	kind, name, _ := strings.Cut(object, " ")
	if _, bare, ok := strings.Cut(name, "/"); ok {
		return kind + " " + bare
	}
	return object
}
