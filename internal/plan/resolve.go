package plan

import (
	"io/fs"
	"path"
	"strings"
)

// Tree is a snapshot of a repository, such as git.Tree. Symbolic links are not followed by it, but resolved here,
// inside the tree.
type Tree interface {
	fs.ReadFileFS
	fs.ReadDirFS
	fs.ReadLinkFS
	// OID gives the object id of a file or directory: equal ids mean equal content. ok is false where it has none.
	OID(path string) (id string, ok bool)
}

// maxLinks bounds how many symbolic links one path may lead through.
const maxLinks = 40

// place is where a path of the tree leads.
type place struct {
	path  string   // after all links; for what is absent, the path that was looked for
	links []string // the links on the way, which are inputs as well
	mode  fs.FileMode
	found bool
}

func (p place) isDir() bool  { return p.found && p.mode.IsDir() }
func (p place) isFile() bool { return p.found && !p.mode.IsDir() }

// locate joins a reference to the directory it is written in, and follows links. ok is false when it leads out of the
// tree (an absolute path, too many "..", a link to the outside); p then has the links that lead there.
func (g *Graph) locate(dir, reference string) (p place, ok bool) {
	if strings.HasPrefix(reference, "/") || strings.ContainsRune(reference, 0) {
		return place{}, false
	}
	return g.follow(path.Join(dir, reference), nil)
}

func (g *Graph) follow(name string, links []string) (place, bool) {
	if !fs.ValidPath(name) || len(links) > maxLinks {
		return place{links: links}, false
	}
	if name == "." {
		return place{path: name, links: links, mode: fs.ModeDir, found: true}, true
	}
	var mode fs.FileMode
	for end := 0; end < len(name); {
		if next := strings.IndexByte(name[end+1:], '/'); next < 0 {
			end = len(name)
		} else {
			end += 1 + next
		}
		prefix := name[:end]
		info, err := g.tree.Lstat(prefix)
		if err != nil {
			return place{path: name, links: links}, true
		}
		if mode = info.Mode(); mode&fs.ModeSymlink != 0 {
			target, err := g.tree.ReadLink(prefix)
			if err != nil || strings.HasPrefix(target, "/") {
				return place{links: append(links, prefix)}, false
			}
			return g.follow(path.Join(path.Dir(prefix), target, name[end:]), append(links, prefix))
		}
	}
	return place{path: name, links: links, mode: mode, found: true}, true
}
