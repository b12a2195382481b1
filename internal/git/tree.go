package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// ErrSymlink is what opening a symbolic link gives: whoever reads a tree decides how far links may lead.
var ErrSymlink = errors.New("this is a symbolic link")

// Tree is a snapshot of the repository: the files of one commit, or of the working tree. It is a file system that never
// follows symbolic links; a submodule is an empty directory of mode fs.ModeIrregular. It is safe for concurrent use.
type Tree struct {
	// ID is the object id of the root tree.
	ID      string
	entries map[string]entry
	names   map[string][]string // directory → names in it, sorted
	objects *batch
}

type entry struct {
	mode fs.FileMode
	oid  string
}

var (
	_ fs.ReadFileFS = (*Tree)(nil)
	_ fs.ReadDirFS  = (*Tree)(nil)
	_ fs.StatFS     = (*Tree)(nil)
	_ fs.ReadLinkFS = (*Tree)(nil)
)

// Tree lists the files of a commit.
func (r *Repo) Tree(ctx context.Context, commit string) (*Tree, error) {
	return listTree(ctx, r.root, r.env, commit+"^{tree}", r.objects)
}

func listTree(ctx context.Context, dir string, env []string, treeish string, objects *batch) (*Tree, error) {
	id, ok := objects.resolve(treeish)
	if !ok {
		said, err := run(ctx, dir, env, "rev-parse", "--verify", "--end-of-options", treeish)
		if err != nil {
			return nil, fmt.Errorf("list tree: %w", err)
		}
		id = strings.TrimSpace(string(said))
	}
	out, err := run(ctx, dir, env, "ls-tree", "-r", "-t", "-z", "--full-tree", id)
	if err != nil {
		return nil, fmt.Errorf("list tree: %w", err)
	}
	t := &Tree{ID: id, objects: objects, names: map[string][]string{".": nil}}
	t.entries = map[string]entry{".": {fs.ModeDir | 0o755, t.ID}}
	for line := range bytes.SplitSeq(bytes.TrimSuffix(out, []byte{0}), []byte{0}) {
		if len(line) == 0 {
			continue
		}
		// <mode> SP <type> SP <object> TAB <file>
		head, name, ok := strings.Cut(string(line), "\t")
		fields := strings.Fields(head)
		name = readable(name)
		if _, twice := t.entries[name]; !ok || len(fields) != 3 || !fs.ValidPath(name) || twice {
			return nil, fmt.Errorf("list tree: unexpected entry %q", line)
		}
		t.entries[name] = entry{fileMode(fields[0]), fields[2]}
		parent := path.Dir(name)
		t.names[parent] = append(t.names[parent], path.Base(name))
	}
	for _, names := range t.names {
		slices.Sort(names)
	}
	return t, nil
}

// readable gives the name under which a snapshot has a file. Git's names are bytes and those of a file system are UTF-8: what is none is
// written as %e9, so that the file is neither left out nor in the way.
func readable(name string) string {
	if utf8.ValidString(name) {
		return name
	}
	var b strings.Builder
	for i, r := range name {
		if r == utf8.RuneError && !strings.HasPrefix(name[i:], "\uFFFD") {
			fmt.Fprintf(&b, "%%%02x", name[i])
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// fileMode translates the five modes that git stores (gitformat-index(5)).
func fileMode(mode string) fs.FileMode {
	switch mode {
	case "040000":
		return fs.ModeDir | 0o755
	case "120000":
		return fs.ModeSymlink | 0o777
	case "160000":
		return fs.ModeDir | fs.ModeIrregular | 0o755
	case "100755":
		return 0o755
	default:
		return 0o644
	}
}

// OID gives the git object id of a file or directory: equal ids are equal content, in any snapshot.
func (t *Tree) OID(name string) (string, bool) {
	e, ok := t.entries[name]
	return e.oid, ok
}

func (t *Tree) entry(op, name string) (entry, error) {
	if !fs.ValidPath(name) {
		return entry{}, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	e, ok := t.entries[name]
	if !ok {
		return entry{}, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	return e, nil
}

// Lstat implements fs.ReadLinkFS.
func (t *Tree) Lstat(name string) (fs.FileInfo, error) {
	e, err := t.entry("lstat", name)
	if err != nil {
		return nil, err
	}
	return info{t, name, e}, nil
}

// Stat implements fs.StatFS; like Open, it fails on a symbolic link.
func (t *Tree) Stat(name string) (fs.FileInfo, error) {
	e, err := t.entry("stat", name)
	if err != nil {
		return nil, err
	}
	if e.mode&fs.ModeSymlink != 0 {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: ErrSymlink}
	}
	return info{t, name, e}, nil
}

// ReadLink implements fs.ReadLinkFS: where a symbolic link points, as it is written.
func (t *Tree) ReadLink(name string) (string, error) {
	e, err := t.entry("readlink", name)
	if err != nil {
		return "", err
	}
	if e.mode&fs.ModeSymlink == 0 {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
	}
	target, err := t.objects.Read(e.oid)
	return string(target), err
}

// Prefetch reads files that will be read, in one go. Names that are no files are passed over.
func (t *Tree) Prefetch(names []string) {
	var oids []string
	for _, name := range names {
		if e, ok := t.entries[name]; ok && e.mode.IsRegular() {
			oids = append(oids, e.oid)
		}
	}
	slices.Sort(oids)
	t.objects.Load(slices.Compact(oids))
}

// ReadFile implements fs.ReadFileFS. A file larger than MaxBlob fails with ErrTooLarge.
func (t *Tree) ReadFile(name string) ([]byte, error) {
	e, err := t.entry("read", name)
	if err != nil {
		return nil, err
	}
	switch {
	case e.mode&fs.ModeSymlink != 0:
		return nil, &fs.PathError{Op: "read", Path: name, Err: ErrSymlink}
	case e.mode.IsDir():
		return nil, &fs.PathError{Op: "read", Path: name, Err: errors.New("is a directory")}
	}
	data, err := t.objects.Read(e.oid)
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	return data, nil
}

// ReadDir implements fs.ReadDirFS, sorted by name.
func (t *Tree) ReadDir(name string) ([]fs.DirEntry, error) {
	e, err := t.entry("readdir", name)
	if err != nil {
		return nil, err
	}
	if !e.mode.IsDir() {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errors.New("not a directory")}
	}
	list := make([]fs.DirEntry, 0, len(t.names[name]))
	for _, base := range t.names[name] {
		child := path.Join(name, base)
		list = append(list, info{t, child, t.entries[child]})
	}
	return list, nil
}

// Open implements fs.FS.
func (t *Tree) Open(name string) (fs.File, error) {
	e, err := t.entry("open", name)
	if err != nil {
		return nil, err
	}
	if e.mode.IsDir() {
		list, err := t.ReadDir(name)
		return &openDir{info{t, name, e}, list}, err
	}
	data, err := t.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return &openFile{info{t, name, e}, bytes.NewReader(data)}, nil
}

// info is both the FileInfo and the DirEntry of a path.
type info struct {
	tree *Tree
	path string
	entry
}

func (i info) Name() string               { return path.Base(i.path) }
func (i info) Mode() fs.FileMode          { return i.mode }
func (i info) Type() fs.FileMode          { return i.mode.Type() }
func (i info) IsDir() bool                { return i.mode.IsDir() }
func (i info) ModTime() time.Time         { return time.Time{} }
func (i info) Sys() any                   { return nil }
func (i info) Info() (fs.FileInfo, error) { return i, nil }
func (i info) String() string             { return fs.FormatFileInfo(i) }

// Size reads the file: git does not list sizes cheaply, and hardly anyone asks.
func (i info) Size() int64 {
	if i.mode.IsDir() {
		return 0
	}
	return int64(i.tree.objects.size(i.oid))
}

type openFile struct {
	info
	*bytes.Reader
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *openFile) Close() error               { return nil }
func (f *openFile) Size() int64                { return f.Reader.Size() }

type openDir struct {
	info
	rest []fs.DirEntry
}

func (d *openDir) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *openDir) Close() error               { return nil }
func (d *openDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.path, Err: errors.New("is a directory")}
}

func (d *openDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 {
		n = len(d.rest)
	} else if len(d.rest) == 0 {
		return nil, io.EOF
	}
	list := d.rest[:min(n, len(d.rest))]
	d.rest = d.rest[len(list):]
	return list, nil
}
