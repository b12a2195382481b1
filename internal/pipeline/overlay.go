package pipeline

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/sluice-dev/sluice/internal/promote"
)

// overlay is a tree with some files added, changed or removed.
type overlay struct {
	Tree
	files map[string]promote.File        // added and changed
	dirs  map[string]map[string]struct{} // directory → names that it has in addition
	gone  map[string]bool                // removed files, and directories that nothing is left in
	above map[string]bool                // directories with a change somewhere below
}

// Overlay gives a tree as a promotion leaves it.
func Overlay(tree Tree, files []PromotedFile) Tree {
	o := &overlay{
		Tree: tree, files: make(map[string]promote.File), dirs: make(map[string]map[string]struct{}), gone: make(map[string]bool), above: make(map[string]bool),
	}
	for _, f := range files {
		if f.Action != promote.Delete {
			o.files[f.Path] = f.File
		}
		for name := f.Path; name != "."; name = path.Dir(name) {
			parent := path.Dir(name)
			o.above[parent] = true
			if f.Action != promote.Delete {
				if o.dirs[parent] == nil {
					o.dirs[parent] = make(map[string]struct{})
				}
				o.dirs[parent][path.Base(name)] = struct{}{}
			}
		}
	}
	for _, f := range files {
		if _, back := o.files[f.Path]; f.Action == promote.Delete && !back {
			o.remove(f.Path)
		}
	}
	return o
}

// remove takes a file away, and the directories that are empty then: git knows none.
func (o *overlay) remove(name string) {
	for ; name != "."; name = path.Dir(name) {
		o.gone[name] = true
		if rest, err := o.ReadDir(path.Dir(name)); err != nil || len(rest) > 0 {
			return
		}
	}
}

// OID implements Tree: what changed has an identity of its own, made of its content.
func (o *overlay) OID(name string) (string, bool) {
	if file, ok := o.files[name]; ok {
		sum := sha256.New()
		fmt.Fprintf(sum, "promoted %o %d\x00", file.Mode, len(file.Data))
		sum.Write(file.Data)
		return hex.EncodeToString(sum.Sum(nil)), true
	}
	if o.gone[name] {
		return "", false
	}
	if !o.above[name] {
		return o.Tree.OID(name)
	}
	entries, err := o.ReadDir(name)
	if err != nil {
		return "", false
	}
	sum := sha256.New()
	for _, entry := range entries {
		oid, ok := o.OID(path.Join(name, entry.Name()))
		if !ok {
			return "", false
		}
		fmt.Fprintf(sum, "%s\x00%s\x00", entry.Name(), oid)
	}
	return hex.EncodeToString(sum.Sum(nil)), true
}

// own gives what the overlay itself says of a path; ok is false where the tree below it answers.
func (o *overlay) own(op, name string) (info promotedInfo, ok bool, err error) {
	if file, isFile := o.files[name]; isFile {
		mode := file.Mode.Perm() | file.Mode.Type()
		if mode == 0 {
			mode = 0o644
		}
		return promotedInfo{path.Base(name), mode, file.Data}, true, nil
	}
	if o.gone[name] {
		return info, true, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	if o.dirs[name] != nil {
		if _, err := o.Tree.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			return promotedInfo{path.Base(name), fs.ModeDir | 0o755, nil}, true, nil
		}
	}
	return info, false, nil
}

// Lstat implements fs.ReadLinkFS.
func (o *overlay) Lstat(name string) (fs.FileInfo, error) {
	if info, ok, err := o.own("lstat", name); ok {
		return info, err
	}
	return o.Tree.Lstat(name)
}

// ReadLink implements fs.ReadLinkFS.
func (o *overlay) ReadLink(name string) (string, error) {
	info, ok, err := o.own("readlink", name)
	switch {
	case !ok:
		return o.Tree.ReadLink(name)
	case err == nil && info.mode&fs.ModeSymlink == 0:
		err = &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
	}
	return string(info.data), err
}

// ReadFile implements fs.ReadFileFS; like the tree below it, it follows no symbolic links.
func (o *overlay) ReadFile(name string) ([]byte, error) {
	info, ok, err := o.own("read", name)
	switch {
	case !ok:
		return o.Tree.ReadFile(name)
	case err == nil && !info.mode.IsRegular():
		err = &fs.PathError{Op: "read", Path: name, Err: errors.New("this is no file")}
	}
	return slices.Clone(info.data), err
}

// ReadDir implements fs.ReadDirFS.
func (o *overlay) ReadDir(name string) ([]fs.DirEntry, error) {
	if info, ok, err := o.own("readdir", name); ok && (err != nil || !info.IsDir()) {
		return nil, errors.Join(err, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrNotExist})
	}
	below, err := o.Tree.ReadDir(name)
	if err != nil && !(errors.Is(err, fs.ErrNotExist) && o.dirs[name] != nil) {
		return nil, err
	}
	added := o.dirs[name]
	list := slices.DeleteFunc(slices.Clone(below), func(entry fs.DirEntry) bool {
		_, isFile := o.files[path.Join(name, entry.Name())]
		return isFile || o.gone[path.Join(name, entry.Name())]
	})
	for child := range added {
		info, ok, err := o.own("readdir", path.Join(name, child))
		if ok && err == nil {
			list = append(list, fs.FileInfoToDirEntry(info))
		}
	}
	slices.SortFunc(list, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return list, nil
}

// Open implements fs.FS.
func (o *overlay) Open(name string) (fs.File, error) {
	info, err := o.Lstat(name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		list, err := o.ReadDir(name)
		return &promotedDir{info, list}, err
	}
	data, err := o.ReadFile(name)
	return &promotedFile{info, bytes.NewReader(data)}, err
}

// promotedInfo is a file or directory that only the overlay has.
type promotedInfo struct {
	name string
	mode fs.FileMode
	data []byte
}

func (i promotedInfo) Name() string       { return i.name }
func (i promotedInfo) Size() int64        { return int64(len(i.data)) }
func (i promotedInfo) Mode() fs.FileMode  { return i.mode }
func (i promotedInfo) ModTime() time.Time { return time.Time{} }
func (i promotedInfo) IsDir() bool        { return i.mode.IsDir() }
func (i promotedInfo) Sys() any           { return nil }

type promotedFile struct {
	info fs.FileInfo
	*bytes.Reader
}

func (f *promotedFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *promotedFile) Close() error               { return nil }

type promotedDir struct {
	info fs.FileInfo
	rest []fs.DirEntry
}

func (d *promotedDir) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *promotedDir) Close() error               { return nil }
func (d *promotedDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.info.Name(), Err: errors.New("is a directory")}
}

func (d *promotedDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n > 0 && len(d.rest) == 0 {
		return nil, io.EOF
	}
	if n <= 0 || n > len(d.rest) {
		n = len(d.rest)
	}
	list := d.rest[:n]
	d.rest = d.rest[n:]
	return list, nil
}
