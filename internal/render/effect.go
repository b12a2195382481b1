package render

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/resid"

	"github.com/sluice-dev/sluice/internal/finding"
)

// census is how much was counted up to some point of the inspection. Between two of them lies what one kustomization
// builds upon: kustomize offers it nothing else to change.
type census struct {
	origins, images int
	hidden          int // what makes objects, images or names that the sources do not show
	altered         int // kustomizations that change what stands in the sources
}

func (in *inspection) census() census {
	return census{len(in.origins), len(in.images), in.hidden, in.altered}
}

// idle finds what a kustomization says in vain: kustomize passes over it in silence. from is the census before its
// first resource. It says nothing of a component, which is made for many users and fits not all of them, nor where
// the sources do not show all that the kustomization works on.
func (in *inspection) idle(k *kustomization, from census) {
	in.countPresent(k, "generators", "configurations", "helmCharts", "helmChartInflationGenerator")
	if in.hidden == from.hidden && text(field(k.root, "kind")) != types.ComponentKind {
		objects := in.origins[from.origins:]
		in.idleImages(k, in.images[from.images:])
		in.idleSelectors(k, objects)
		if in.altered == from.altered && !in.openapi {
			in.idlePatches(k, objects)
		}
	}
	for _, entry := range items(field(k.root, "images")) {
		if name := text(field(entry, "newName")); name != "" {
			in.images = append(in.images, name)
		}
	}
	in.count(k)
}

func (in *inspection) countPresent(k *kustomization, names ...string) {
	for _, name := range names {
		if len(items(field(k.root, name))) > 0 {
			in.hidden++
		}
	}
}

// count notes what a kustomization does to the objects that those above it see.
func (in *inspection) count(k *kustomization) {
	in.countPresent(k, "transformers")
	for _, r := range items(field(k.root, "replacements")) {
		if field(r, "path") != nil || mentions(r, "image") || mentions(r, "containers") {
			in.hidden++
		}
	}
	for _, p := range items(field(k.root, "patches")) {
		options := field(p, "options")
		if text(field(options, "allowNameChange")) == "true" || text(field(options, "allowKindChange")) == "true" {
			in.hidden++
		}
	}
	for _, name := range []string{
		"patches", "patchesStrategicMerge", "patchesJson6902", "images", "replicas", "replacements", "components", "labels",
		"commonLabels", "commonAnnotations", "vars",
	} {
		if n := field(k.root, name); n != nil && len(n.Content) > 0 {
			in.altered++
		}
	}
	for _, name := range []string{"namespace", "namePrefix", "nameSuffix"} {
		if text(field(k.root, name)) != "" {
			in.altered++
		}
	}
}

// mentions reports whether a scalar below a node contains a word.
func mentions(n *yaml.Node, word string) bool {
	if n = resolved(n); n == nil {
		return false
	}
	return n.Kind == yaml.ScalarNode && strings.Contains(n.Value, word) ||
		slices.ContainsFunc(n.Content, func(child *yaml.Node) bool { return mentions(child, word) })
}

func (in *inspection) inVain(severity finding.Severity, pos finding.Pos, format string, args ...any) {
	in.vain = append(in.vain, finding.Finding{
		Rule: "render/no-effect", Severity: severity, Pos: pos, Message: fmt.Sprintf(format, args...),
	})
}

// idleImages finds the entries of images that match none. The entries apply one after the other, so a later one sees
// an earlier one's new name.
func (in *inspection) idleImages(k *kustomization, images []string) {
	images = slices.Clip(images)
	for _, entry := range items(field(k.root, "images")) {
		name := text(field(entry, "name"))
		if name == "" {
			continue
		}
		pattern, err := imagePattern(name)
		switch {
		case err != nil || !slices.ContainsFunc(images, func(image string) bool { return matchesImage(pattern, name, image) }):
			in.inVain(finding.Warning, k.at(entry), "no container here has the image %q, so this entry changes nothing: %s", name, imageAdvice(name, images))
		case field(entry, "newName") == nil && field(entry, "newTag") == nil && field(entry, "digest") == nil && field(entry, "tagSuffix") == nil:
			in.inVain(finding.Warning, k.at(entry), "this entry names the image %q and changes nothing of it: give it a newTag, newName or digest, or remove it", name)
		}
		if to := text(field(entry, "newName")); to != "" {
			images = append(images, to)
		}
	}
}

// imagePattern is kustomize's test of whether an image has a name (api/internal/image.IsImageMatched, v5.8): the name
// is a part of a regular expression.
func imagePattern(name string) (*regexp.Regexp, error) {
	return regexp.Compile("^" + name + "(:[a-zA-Z0-9_.{}-]*)?(@[a-zA-Z0-9]+([.+_-][a-zA-Z0-9]+)*:[a-zA-Z0-9_.{}-]*)?$")
}

func matchesImage(pattern *regexp.Regexp, name, image string) bool {
	return image == name || pattern.MatchString(image)
}

// imageAdvice names an image that was probably meant, or those there are.
func imageAdvice(name string, images []string) string {
	var names []string
	for _, image := range images {
		repository := repositoryOf(image)
		if last := repository[strings.LastIndexByte(repository, '/')+1:]; last == name[strings.LastIndexByte(name, '/')+1:] {
			return fmt.Sprintf("did you mean %q?", repository)
		}
		names = append(names, repository)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) == 0 {
		return "there is no image at all. Remove the entry"
	}
	const most = 3
	list, more := strings.Join(names[:min(most, len(names))], ", "), ""
	if len(names) > most {
		more = fmt.Sprintf(" and %d more", len(names)-most)
	}
	return fmt.Sprintf("there are %s%s. Correct the name, or remove the entry", list, more)
}

// repositoryOf is an image without tag and digest.
func repositoryOf(image string) string {
	image, _, _ = strings.Cut(image, "@")
	if colon := strings.LastIndexByte(image, ':'); colon > strings.LastIndexByte(image, '/') {
		image = image[:colon]
	}
	return image
}

// idleSelectors finds the targets of patches and replacements that select no object.
func (in *inspection) idleSelectors(k *kustomization, objects []origin) {
	for _, p := range items(field(k.root, "patches")) {
		if target := field(p, "target"); selectsNone(target, objects) {
			in.inVain(finding.Warning, k.at(target), "this target selects no object, so the patch changes nothing: correct its %s, or remove the patch", selectorFields(target))
		}
	}
	for _, r := range items(field(k.root, "replacements")) {
		for _, target := range items(field(r, "targets")) {
			if selected := field(target, "select"); selectsNone(selected, objects) {
				in.inVain(finding.Warning, k.at(selected), "this selects no object, so the replacement changes nothing there: correct its %s, or remove the target", selectorFields(selected))
			}
		}
	}
}

// selectsNone reports whether a selector selects none of the objects, whatever the labels and namespaces that
// kustomizations give them.
func selectsNone(selector *yaml.Node, objects []origin) bool {
	if selector == nil || selector.Kind != yaml.MappingNode {
		return false
	}
	var wanted types.Selector
	wanted.Name = text(field(selector, "name"))
	wanted.Gvk = resid.Gvk{Group: text(field(selector, "group")), Version: text(field(selector, "version")), Kind: text(field(selector, "kind"))}
	fits, err := types.NewSelectorRegex(&wanted)
	if err != nil {
		return false
	}
	return !slices.ContainsFunc(objects, func(o origin) bool {
		if !fits.MatchGvk(resid.Gvk{Group: o.id.Group, Version: o.version, Kind: o.id.Kind}) {
			return false
		}
		// Of an object whose name has been changed on the way, kustomize takes several names.
		return fits.MatchName(o.id.Name) || o.prefix+o.suffix != "" && mayMean(wanted.Name, o)
	})
}

// mayMean reports whether a pattern could match one of the names of an object that has a prefix or suffix.
func mayMean(pattern string, o origin) bool {
	return strings.Contains(pattern, o.id.Name) || regexp.QuoteMeta(pattern) != pattern
}

func selectorFields(selector *yaml.Node) string {
	var present []string
	for _, name := range []string{"kind", "name", "group", "version"} {
		if text(field(selector, name)) != "" {
			present = append(present, name)
		}
	}
	return strings.Join(present, " and ")
}
