package config

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// placeholder matches what templates have in names: {{ cookiecutter.app }}, ${APP}, {% if %}.
var placeholder = regexp.MustCompile(`\{\{|\}\}|\$\{|\{%`)

var (
	// containers hold environments, so one alone is believed there. From 110 public repositories: overlays/<env> in
	// 34, env, envs or environments/<env> in 26, clusters/<env> in 7.
	containers = []string{"overlays", "overlay", "env", "envs", "environment", "environments", "clusters"}
	// channel matches the release channels of operators: beside one of them, "development" is a channel as well.
	channel = regexp.MustCompile(`^(stable|alpha|beta|fast|latest|candidate|preview|tech-preview|eus|release|v?[0-9]+)([-.].*)?$`)
)

// position is where an environment stands in a path.
type position struct {
	environment string
	segment     int // its index among the path's segments
}

// detect finds targets by the conventions of real repositories. A directory's environment is a segment of its path
// that is exactly the name of an environment, where another environment stands beside it; or one alone, where its
// place leaves little doubt (see believed). A name inside a longer one (openshift-dev-spaces) says nothing.
func (s *survey) detect() {
	positions := make(map[string]position)
	for _, dir := range s.order {
		if p, ok := s.position(dir); ok {
			positions[dir] = p
		}
	}
	apps := make(map[string][]string) // target → application path
	add := func(dir string, kind Kind) {
		p := positions[dir]
		apps[dir] = appPath(strings.Split(dir, "/"), p.segment)
		s.targets = append(s.targets, Target{ID: dir, Dir: dir, Environment: p.environment, Kind: kind})
	}
	for _, dir := range s.refs.Kustomizations() {
		if why := s.whyNot(dir, positions); why != "" {
			s.why[dir] = why
		} else {
			add(dir, Kustomize)
		}
	}
	var manifests []string
	for _, dir := range s.order {
		p, ok := positions[dir]
		if ok && !slices.ContainsFunc(manifests, func(m string) bool { return below(dir, m) }) && s.plain(dir, p) {
			manifests = append(manifests, dir)
			add(dir, Manifests)
		}
	}
	var paths [][]string
	for _, app := range apps {
		paths = append(paths, app)
	}
	names := nameApps(paths)
	for i := range s.targets {
		s.targets[i].App = names[strings.Join(apps[s.targets[i].Dir], "/")]
	}
}

// position gives the innermost segment of a path that is an environment.
func (s *survey) position(dir string) (position, bool) {
	segments := strings.Split(dir, "/")
	for i, segment := range slices.Backward(segments) {
		name, ok := s.names.environment(segment)
		if ok && s.believed(path.Join(segments[:i]...), name) {
			return position{name, i}, true
		}
	}
	return position{}, false
}

// believed reports whether a directory below parent that has the name of an environment is one.
func (s *survey) believed(parent, environment string) bool {
	if parent == "" {
		parent = "."
	}
	beside := s.environmentsIn(parent)
	if len(beside) > 1 {
		return true
	}
	if !slices.Contains(beside, environment) {
		return false // empty
	}
	subdirs := s.dirs[parent].subdirs
	if slices.Contains(containers, path.Base(parent)) {
		return !slices.ContainsFunc(subdirs, channel.MatchString)
	}
	if slices.Contains(subdirs, "base") {
		return true
	}
	return parent != "." && s.hasStagedSibling(parent, environment)
}

// hasStagedSibling reports whether a directory beside this one holds the same environment among others: apps/web/prod
// is believed beside apps/shop/{dev,prod}, but webapp/test says nothing beside overlays/{dev,test}.
func (s *survey) hasStagedSibling(dir, environment string) bool {
	return slices.ContainsFunc(s.dirs[path.Dir(dir)].subdirs, func(name string) bool {
		beside := s.environmentsIn(path.Join(path.Dir(dir), name))
		return len(beside) > 1 && slices.Contains(beside, environment) && !slices.Contains(containers, name)
	})
}

// environmentsIn gives the environments whose directories stand in a directory and hold something.
func (s *survey) environmentsIn(parent string) []string {
	var out []string
	for _, name := range s.dirs[parent].subdirs {
		if environment, ok := s.names.environment(name); ok && s.dirs[path.Join(parent, name)].occupied {
			out = append(out, environment)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// whyNot says why a kustomization is no target; "" when it is one.
func (s *survey) whyNot(dir string, positions map[string]position) string {
	if why := s.unfit(dir); why != "" {
		return why
	}
	if hidden(dir) {
		return "is in a hidden directory"
	}
	p, ok := positions[dir]
	if !ok {
		if used := s.usedBy(dir); used != "" {
			return used
		}
		return s.whyNoEnvironment(dir)
	}
	if base := baseAbove(dir, p.segment); base != "" {
		return "is a base: it lies below " + base
	}
	for _, user := range s.refs.UsedBy(dir) {
		if positions[user].environment == p.environment && !s.buildsUpon(dir, user) {
			return s.usedBy(dir)
		}
	}
	return ""
}

// whyNoEnvironment says what it was in a path that came closest to an environment.
func (s *survey) whyNoEnvironment(dir string) string {
	const none = "no environment in its path"
	segments := strings.Split(dir, "/")
	if base := baseAbove(dir, len(segments)); base != "" {
		return "is a base, which no other kustomization uses"
	}
	for i, segment := range slices.Backward(segments) {
		if _, ok := s.names.environment(segment); ok {
			return fmt.Sprintf("%s: no other environment stands beside %s", none, segment)
		}
		words := strings.FieldsFunc(segment, func(r rune) bool { return r == '-' || r == '_' || r == '.' })
		if slices.ContainsFunc(words, func(word string) bool { _, ok := s.names.environment(word); return ok }) {
			return fmt.Sprintf("%s: %s only contains the name of one", none, segment)
		}
		parent := path.Join(segments[:i]...)
		if beside := s.environmentsIn(path.Clean(parent)); len(beside) > 0 && s.believed(parent, beside[0]) && slices.Contains(containers, path.Base(parent)) {
			return fmt.Sprintf("%s: %s stands beside %s; if it is one, add it to order", none, segment, beside[0])
		}
	}
	return none
}

// buildsUpon reports whether a directory is built upon another one, directly or not. In a cycle both are, and none
// may be left out for the other.
func (s *survey) buildsUpon(dir, other string) bool {
	seen := map[string]bool{dir: true}
	for queue := []string{dir}; len(queue) > 0; queue = queue[1:] {
		for _, base := range s.refs.Bases(queue[0]) {
			if base == other {
				return true
			}
			if !seen[base] {
				seen[base] = true
				queue = append(queue, base)
			}
		}
	}
	return false
}

// plain reports whether a directory of an environment is a target of plain manifests. Below a kustomization, a Helm
// chart or overlays, files are patches, values and templates.
func (s *survey) plain(dir string, p position) bool {
	if hidden(dir) || s.unfit(dir) != "" || baseAbove(dir, p.segment) != "" || slices.Contains(containers[:2], path.Base(path.Dir(dir))) {
		return false
	}
	segments := strings.Split(dir, "/")
	for i := p.segment; i < len(segments); i++ {
		if s.has[path.Join(segments[:i+1]...)] {
			return false
		}
	}
	for at := dir; at != "."; at = path.Dir(at) {
		if s.dirs[at].chart {
			return false
		}
	}
	return s.holdsManifests(dir)
}

func hidden(dir string) bool {
	return dir != "." && (strings.HasPrefix(dir, ".") || strings.Contains(dir, "/."))
}

// baseAbove gives the directory above the environment that is named base or bases: what lies there is built upon.
func baseAbove(dir string, environment int) string {
	segments := strings.Split(dir, "/")
	for i, segment := range segments[:environment] {
		if segment == "base" || segment == "bases" {
			return path.Join(segments[:i+1]...)
		}
	}
	return ""
}
