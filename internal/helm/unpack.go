package helm

import (
	"bytes"
	"fmt"
	"path"

	"helm.sh/helm/v4/pkg/chart/loader/archive"
)

// Unpack gives the files of a chart's archive (.tgz), from the chart's directory, without those that its .helmignore names: what
// Helm sees of it once it is unpacked. Archives whose files would lie elsewhere, and those that unpack to more than 100 MiB, are errors.
func Unpack(packed []byte) ([]File, error) {
	unpacked, err := archive.LoadArchiveFiles(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("unpack the chart: %w", err)
	}
	var rules []byte
	for _, file := range unpacked {
		if file.Name == IgnoreFile {
			rules = file.Data
		}
	}
	ignored, err := ParseIgnore(rules)
	if err != nil {
		return nil, err
	}
	var files []File
	for _, file := range unpacked {
		if !ignoredWithin(ignored, file.Name) {
			files = append(files, File{Name: file.Name, Data: file.Data})
		}
	}
	return files, nil
}

// ignoredWithin reports whether a file is ignored, or one of the directories that it is in.
func ignoredWithin(ignored Ignored, name string) bool {
	if ignored(name, false) {
		return true
	}
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if ignored(dir, true) {
			return true
		}
	}
	return false
}
