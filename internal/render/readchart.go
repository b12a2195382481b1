package render

import (
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/sluice-dev/sluice/internal/helm"
)

const (
	maxChartFiles = 10_000
	maxChartSize  = 100 << 20 // bytes of all its files: Helm's own limit
)

// readChart gives the files of a chart: all below its directory, in order, without those that its .helmignore names.
// Links are followed, as Helm does, and as far as the repository reaches.
func readChart(repo *repository, dir string) ([]helm.File, error) {
	rules, err := readIgnore(repo, dir)
	if err != nil {
		return nil, err
	}
	r := chartReader{repo: repo, top: dir, ignored: rules}
	if err := r.walk(""); err != nil {
		return nil, fmt.Errorf("read the chart: %w", err)
	}
	return r.files, nil
}

func readIgnore(repo *repository, dir string) (helm.Ignored, error) {
	_, content, err := repo.read(path.Join(dir, helm.IgnoreFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return helm.ParseIgnore(content)
}

type chartReader struct {
	repo    *repository
	top     string
	ignored helm.Ignored
	files   []helm.File
	entries int
	size    int
}

// walk reads what is below a directory of the chart.
func (r *chartReader) walk(below string) error {
	entries, err := r.repo.list(path.Join(r.top, below))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if r.entries++; r.entries > maxChartFiles {
			return fmt.Errorf("it has more than %d files", maxChartFiles)
		}
		name := path.Join(below, e.Name)
		found, err := r.repo.find(path.Join(r.top, name))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if r.ignored(name, found.mode == modeDirectory) {
			continue
		}
		switch found.mode {
		case modeDirectory:
			err = r.walk(name)
		case modeFile:
			err = r.read(name)
		default:
			err = fmt.Errorf("%s is no file", name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *chartReader) read(name string) error {
	_, content, err := r.repo.read(path.Join(r.top, name))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if r.size += len(content); r.size > maxChartSize {
		return fmt.Errorf("its files are larger than %d MiB together", maxChartSize>>20)
	}
	r.files = append(r.files, helm.File{Name: name, Data: content})
	return nil
}
