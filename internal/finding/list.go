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

// SameAs reports whether two findings of one target are the same problem, on base and on head say: of the same rule, about the same
// field of the same object.
func (f Finding) SameAs(other Finding) bool { return f.pairKey() == other.pairKey() }

// Pair compares what one target had on base with what it has on head. Findings pair by rule, object and field
// path, and by count: of two on head and one on base, one is new. The result holds every finding of head, as new or
// existing, and those that only base had, as fixed.
//
// Waived findings pair with waived ones first. What base waived and head does not is new; what head waives and base did not is
// existing, and nothing is fixed by it.
func Pair(target string, base, head List) List {
	counting, waived := make(map[pairKey]int), make(map[pairKey]int)
	for _, f := range base {
		if f.Waiver == nil {
			counting[f.pairKey()]++
		} else {
			waived[f.pairKey()]++
		}
	}
	take := func(from map[pairKey]int, key pairKey) bool {
		has := from[key] > 0
		if has {
			from[key]--
		}
		return has
	}
	out := make(List, len(head))
	for _, isWaived := range []bool{false, true} {
		for i, f := range head {
			if (f.Waiver != nil) != isWaived {
				continue
			}
			state := New
			if key := f.pairKey(); isWaived && take(waived, key) || take(counting, key) {
				state = Existing
			}
			out[i] = f.In(target, state)
		}
	}
	for _, f := range slices.Backward(base) {
		if f.Waiver == nil && take(counting, f.pairKey()) {
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
		waiver                      Waiver
	}
	index := make(map[key]int)
	var out List
	for _, list := range lists {
		for _, f := range list {
			anywhere := withoutNamespace(f.Object)
			k := key{f.Pos, f.Rule, anywhere, f.Path, f.Message, f.Severity, f.waiver()}
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
