package promote

import (
	"path"
	"strings"
)

// ways knows where the paths in a kustomization lead.
type ways struct {
	dir    string // of the file
	target string // the directory of the target's file
	copies []Copy
}

func waysFrom(file, target string, copies []Copy) *ways {
	return &ways{path.Dir(file), path.Dir(target), copies}
}

// same gives a path into a directory, or into the target's copy of it, as the target's file says it. It is false for everything else. A file of a
// generator may have its key before it.
func (w *ways) same(text string) (string, bool) {
	if w == nil || !strings.Contains(text, "..") || strings.ContainsAny(text, "\n:") {
		return "", false
	}
	key, name, keyed := strings.Cut(text, "=")
	if !keyed {
		key, name = "", text
	} else {
		key += "="
	}
	led := path.Join(w.dir, name)
	for _, c := range w.copies {
		for _, dir := range []string{c.From, c.To} {
			if rest, ok := strings.CutPrefix(led+"/", dir+"/"); ok {
				return key + up(w.target, path.Join(c.To, rest)), true
			}
		}
	}
	return "", false
}

// up gives the way from a directory to a place beside it.
func up(dir, place string) string {
	way := ""
	for dir != "." && !strings.HasPrefix(place+"/", dir+"/") {
		dir, way = path.Dir(dir), way+"../"
	}
	if dir != "." {
		place = strings.TrimPrefix(place, dir+"/")
	}
	return way + place
}
