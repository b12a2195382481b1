package helm

import (
	"bytes"
	"io/fs"
	"path"
	"time"

	"helm.sh/helm/v4/pkg/ignore"
)

// IgnoreFile names the file of a chart that says which of its files are none of the chart.
const IgnoreFile = ignore.HelmIgnore

// Ignored reports whether a chart leaves out a file or directory, and all below it. Its name is slash-separated, from the
// chart's directory.
type Ignored func(name string, dir bool) bool

// ParseIgnore reads the content of an [IgnoreFile]. Empty content leaves out what every chart does.
func ParseIgnore(content []byte) (Ignored, error) {
	rules, err := ignore.Parse(bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	rules.AddDefaults()
	return func(name string, dir bool) bool { return rules.Ignore(name, entry{name, dir}) }, nil
}

// entry is what the rules ask of a file.
type entry struct {
	name string
	dir  bool
}

func (e entry) Name() string       { return path.Base(e.name) }
func (e entry) IsDir() bool        { return e.dir }
func (e entry) Size() int64        { return 0 }
func (e entry) ModTime() time.Time { return time.Time{} }
func (e entry) Sys() any           { return nil }
func (e entry) Mode() fs.FileMode {
	if e.dir {
		return fs.ModeDir
	}
	return 0
}
