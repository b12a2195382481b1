package render

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

var (
	errOutside  = errors.New("leaves the repository")
	errTooLarge = errors.New("is too large")
	errLoop     = errors.New("is a loop of symbolic links")
)

// maxLinks bounds the symbolic links followed for one path, as kernels do.
const maxLinks = 40

// What a worker keeps between targets: all that overlays of one application share, and bases of many. What is parsed takes some twenty
// times the room of its text.
const (
	rememberedFiles   = 4 << 20   // bytes of content
	rememberedSources = 256 << 10 // bytes of the content that was parsed
	rememberedEntries = 20_000    // of directories
)

// store remembers what object ids stand for: base and head, and all overlays of one base, share what is equal.
type store struct {
	ask    func(frameKind, string) (frame, error)
	dirs   *recent[[]entry]
	files  *recent[[]byte]
	parsed *recent[*source]
}

func newStore(ask func(frameKind, string) (frame, error)) *store {
	return &store{
		ask: ask, dirs: newRecent[[]entry](rememberedEntries), files: newRecent[[]byte](rememberedFiles), parsed: newRecent[*source](rememberedSources),
	}
}

// node is what stands at a path: after links are followed, a file, a directory or a submodule.
type node struct {
	path string // from the repository's root; "." for the root
	mode entryMode
	oid  string
}

// repository is the tree as one target sees it. It follows symbolic links inside the repository, and records what
// was looked at.
type repository struct {
	store   *store
	root    node
	local   map[string][]entry // directories without an object id
	overlay map[string][]byte  // files that the worker adds
	// synthesized is the kustomization that was added for a directory of plain manifests: nobody wrote it, so nothing stands in it.
	synthesized string
	mounts      map[string]mounted // trees of other repositories, by their ids
	charts      map[Chart]*fetched // that the repository does not hold, by what the kustomizations say of them
	inputs      map[Input]struct{}
	large       []string // files refused for their size
	outside     []string // paths or links that leave the repository
	failure     error    // the connection broke: nothing read afterwards means anything
}

func newRepository(store *store, rootOID string) *repository {
	return &repository{
		store: store, root: node{".", modeDirectory, rootOID},
		local: map[string][]entry{}, overlay: map[string][]byte{}, inputs: map[Input]struct{}{}, mounts: map[string]mounted{}, charts: map[Chart]*fetched{},
	}
}

// use notes an input. Files of other repositories are none: what names a commit says all that is in it.
func (r *repository) use(name string, use Use) {
	if !strings.HasPrefix(name, remoteMounts) {
		r.inputs[Input{name, use}] = struct{}{}
	}
}

// closure lists the inputs in order.
func (r *repository) closure() []Input {
	inputs := make([]Input, 0, len(r.inputs))
	for input := range r.inputs {
		inputs = append(inputs, input)
	}
	slices.SortFunc(inputs, func(a, b Input) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(string(a.Use), string(b.Use)))
	})
	return inputs
}

// find gives what stands at a path of the repository, following links. The path may hold ".." and be unclean; above
// the root is errOutside, nothing there fs.ErrNotExist.
func (r *repository) find(name string) (node, error) {
	at, rest := r.root, strings.Split(name, "/")
	if m, below, ok := r.mountOf(name); ok {
		at, rest = m.root, strings.Split(below, "/")
	}
	top := at.path        // the root of the tree that the way begins in: it does not lead into another
	links, via := 0, name // via is what to blame when the way leaves the repository
	for len(rest) > 0 {
		var part string
		part, rest = rest[0], rest[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			if at.path == top {
				r.outside = append(r.outside, via)
				return node{}, errOutside
			}
			parent, err := r.find(path.Dir(at.path))
			if err != nil {
				return node{}, err
			}
			at = parent
			continue
		}
		next, err := r.child(at, part)
		if err != nil {
			return node{}, err
		}
		if next.mode != modeLink {
			at = next
			continue
		}
		if links++; links > maxLinks {
			return node{}, errLoop
		}
		destination, err := r.link(next)
		if err != nil {
			return node{}, err
		}
		if via = next.path; path.IsAbs(destination) {
			r.outside = append(r.outside, via)
			return node{}, errOutside
		}
		rest = append(strings.Split(destination, "/"), rest...)
	}
	if at.mode == modeDirectory {
		r.use(at.path, Directory)
	}
	return at, nil
}

func (r *repository) child(dir node, name string) (node, error) {
	full := path.Join(dir.path, name)
	if _, ok := r.overlay[full]; ok {
		return node{path: full, mode: modeFile}, nil
	}
	if dir.mode != modeDirectory {
		r.use(dir.path, File)
		return node{}, fs.ErrNotExist
	}
	entries, err := r.entries(dir)
	if err != nil {
		return node{}, err
	}
	i, found := slices.BinarySearchFunc(entries, name, func(e entry, name string) int {
		return strings.Compare(e.Name, name)
	})
	if !found {
		r.use(full, Absent)
		return node{}, fs.ErrNotExist
	}
	return node{path: full, mode: entries[i].Mode, oid: entries[i].OID}, nil
}

// entries gives a directory's entries, sorted by name.
func (r *repository) entries(dir node) ([]entry, error) {
	if known, ok := r.store.dirs.get(dir.oid); ok && dir.oid != "" {
		return known, nil
	}
	if known, ok := r.local[dir.path]; ok {
		return known, nil
	}
	reply, err := r.request(frameDir, dir.path)
	if err != nil {
		return nil, err
	}
	var entries []entry
	if err := json.Unmarshal(reply.payload, &entries); err != nil {
		return nil, r.fail(err)
	}
	entries = sortedEntries(entries)
	if dir.oid != "" {
		r.store.dirs.put(dir.oid, entries, len(entries))
	} else {
		r.local[dir.path] = entries
	}
	return entries, nil
}

func sortedEntries(entries []entry) []entry {
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.Name, b.Name) })
	return entries
}

func (r *repository) link(link node) (string, error) {
	r.use(link.path, Link)
	if known, ok := r.store.files.get("link " + link.oid); ok && link.oid != "" {
		return string(known), nil
	}
	reply, err := r.request(frameLink, link.path)
	if err != nil {
		return "", err
	}
	if link.oid != "" {
		r.store.files.put("link "+link.oid, reply.payload, len(reply.payload))
	}
	return string(reply.payload), nil
}

// list gives the entries of the directory at a path.
func (r *repository) list(name string) ([]entry, error) {
	dir, err := r.find(name)
	if err != nil {
		return nil, err
	}
	if dir.mode != modeDirectory {
		return nil, fs.ErrNotExist
	}
	r.use(dir.path, Listing)
	return r.entries(dir)
}

// read gives the content of the file at a path, and the node that was found there. The content must not be changed.
func (r *repository) read(name string) (node, []byte, error) {
	file, err := r.find(name)
	if err != nil {
		return file, nil, err
	}
	if content, ok := r.overlay[file.path]; ok {
		return file, content, nil
	}
	if file.mode != modeFile {
		return file, nil, errNotFile
	}
	r.use(file.path, File)
	if known, ok := r.store.files.get(file.oid); ok && file.oid != "" {
		return file, known, nil
	}
	reply, err := r.request(frameFile, file.path)
	if err != nil {
		if errors.Is(err, errTooLarge) {
			r.large = append(r.large, file.path)
		}
		return file, nil, err
	}
	if file.oid != "" {
		r.store.files.put(file.oid, reply.payload, len(reply.payload))
	}
	return file, reply.payload, nil
}

var errNotFile = errors.New("is no file")

func (r *repository) request(kind frameKind, name string) (frame, error) {
	if r.failure != nil {
		return frame{}, r.failure
	}
	if len(name) > maxPath {
		return frame{}, fs.ErrNotExist
	}
	reply, err := r.store.ask(kind, name)
	if err != nil {
		return frame{}, r.fail(err)
	}
	if reply.kind != frameRefused {
		return reply, nil
	}
	switch string(reply.payload) {
	case refusedAbsent:
		return frame{}, fs.ErrNotExist
	case refusedTooLarge:
		return frame{}, errTooLarge
	default:
		return frame{}, r.fail(fmt.Errorf("%s could not be read", name))
	}
}

func (r *repository) fail(err error) error {
	r.failure = err
	return err
}
