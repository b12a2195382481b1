package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice/internal/diff"
	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
)

var unprovenImage = Rule{
	ID: "lint/unproven-image", Title: "An image reaches the last environment first", Severity: finding.Warning,
	Description: "The last environment of the promotion order (prod) gets an image that no earlier environment of the application runs. " +
		"Images are compared by the last part of their name and by their tag or digest, since registries may differ between environments. " +
		"For this rule the earlier environments are rendered even where the change does not reach them; nothing is said where there are none, or where one of them cannot be rendered.",
	Sources: []string{"https://12factor.net/dev-prod-parity"},
}

// Unproven finds images that a change in the last environment brings and that are not among those which earlier environments
// run, as [Images] gives them.
func Unproven(c diff.Change, earlier map[string]bool) finding.List {
	l := linter{change: c, rule: unprovenImage}
	paths := make(map[string]string)
	for _, container := range podOf(c.Head).containers() {
		paths[container.name] = container.path + ".image"
	}
	for _, i := range diff.EffectOf(c).Images {
		if i.New != "" && !earlier[imageKey(i.New)] {
			l.report(c.Head, paths[i.Container], "no earlier environment runs the image %q: let it prove itself there first", i.New)
		}
	}
	return l.findings
}

// BringsImage reports whether a change brings an image.
func BringsImage(c diff.Change) bool {
	return slices.ContainsFunc(diff.EffectOf(c).Images, func(i diff.ImageChange) bool { return i.New != "" })
}

// Images adds the images that objects run to a set, in the form that [Unproven] compares.
func Images(set map[string]bool, objects []*manifest.Object) {
	for _, o := range objects {
		for _, c := range podOf(o).containers() {
			if image := text(c.fields, "image"); image != "" {
				set[imageKey(image)] = true
			}
		}
	}
}

// imageKey is an image without the place it is pulled from.
func imageKey(image string) string {
	name, digest, _ := strings.Cut(image, "@")
	repository, tag := splitImage(name)
	if digest != "" {
		tag = digest
	}
	return fmt.Sprintf("%s:%s", repository[strings.LastIndexByte(repository, '/')+1:], tag)
}
