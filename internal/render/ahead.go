package render

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"io/fs"
	"path"
)

// Bounds of what is sent ahead of one answer: a directory of an application, with its base and overlays, is less.
const (
	aheadNodes = 64       // files and directories
	aheadBytes = 64 << 10 // of the contents of files
)

// ahead is what a worker will ask for next, sent to it before it does: of each question both processes take a turn. Who asks for a
// directory with a few files in it and below it will mostly read them all.
type ahead struct {
	sent map[string]bool // object ids that the worker has
}

// collect gives the records of what is below a directory, nothing where that is a lot or has no object ids.
func (a *ahead) collect(tree Tree, dir string) []byte {
	files, dirs := a.below(tree, dir)
	if fast, ok := tree.(interface{ Prefetch(names []string) }); ok {
		fast.Prefetch(files)
	}
	var out []byte
	left := aheadBytes
	for _, name := range files {
		content, err := tree.ReadFile(name)
		if left -= len(content); err != nil || left < 0 {
			break
		}
		out = a.add(out, tree, modeFile, name, content)
	}
	for _, name := range dirs {
		entries, err := listing(tree, name)
		if err != nil {
			break
		}
		if payload, err := json.Marshal(entries); err == nil {
			out = a.add(out, tree, modeDirectory, name, payload)
		}
	}
	return out
}

// below lists the files of a directory and the directories in it, whose files come too where there are not too many.
func (a *ahead) below(tree Tree, dir string) (files, dirs []string) {
	for queue := []string{dir}; len(queue) > 0; queue = queue[1:] {
		entries, err := tree.ReadDir(queue[0])
		if err != nil || len(files)+len(dirs)+len(entries) > aheadNodes {
			return files, dirs
		}
		for _, e := range entries {
			name := path.Join(queue[0], e.Name())
			oid, ok := tree.OID(name)
			switch {
			case !ok || a.sent[oid]:
			case e.IsDir() && e.Type()&fs.ModeIrregular == 0:
				dirs = append(dirs, name)
				queue = append(queue, name)
			case e.Type().IsRegular():
				files = append(files, name)
			}
		}
	}
	return files, dirs
}

// add appends a record: the mode, the length of the object id, the id, the length of the content, the content.
func (a *ahead) add(records []byte, tree Tree, mode entryMode, name string, content []byte) []byte {
	oid, ok := tree.OID(name)
	if !ok || oid == "" || len(oid) > 255 || a.sent[oid] {
		return records
	}
	if a.sent == nil {
		a.sent = make(map[string]bool)
	}
	a.sent[oid] = true
	records = append(records, byte(mode), byte(len(oid)))
	records = append(records, oid...)
	records = binary.BigEndian.AppendUint32(records, uint32(len(content)))
	return append(records, content...)
}

// learn takes in what was sent ahead.
func (s *store) learn(records []byte) error {
	torn := errors.New("what was sent ahead is torn")
	for len(records) > 0 {
		if len(records) < 2 || len(records) < 2+int(records[1])+4 {
			return torn
		}
		mode, oid, rest := entryMode(records[0]), string(records[2:2+records[1]]), records[2+int(records[1]):]
		size := int(binary.BigEndian.Uint32(rest))
		if rest = rest[4:]; size > len(rest) {
			return torn
		}
		content := rest[:size:size]
		records = rest[size:]
		if mode == modeFile {
			s.files.put(oid, content, len(content))
			continue
		}
		var entries []entry
		if err := json.Unmarshal(content, &entries); err != nil {
			return err
		}
		s.dirs.put(oid, sortedEntries(entries), len(entries))
	}
	return nil
}
