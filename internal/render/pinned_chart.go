package render

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice/internal/helm"
)

// Chart is one version of a Helm chart that the repository does not hold, pinned by its archive.
type Chart struct {
	Repo    string // as kustomizations name it: https://host/path or oci://host/path
	Name    string
	Version string
	Digest  string `json:",omitempty"` // of the archive: "sha256:" and 64 hexadecimal digits
}

// String names the chart and what pins it: "https://charts.example.com/web-1.2.3@sha256:…".
func (c Chart) String() string {
	return strings.TrimSuffix(c.Repo, "/") + "/" + c.Name + "-" + c.Version + "@" + c.Digest
}

// is reports whether both are the same version of the same chart, whatever pins them.
func (c Chart) is(other Chart) bool {
	return strings.TrimSuffix(c.Repo, "/") == strings.TrimSuffix(other.Repo, "/") && c.Name == other.Name && c.Version == other.Version
}

// Charts gets archives of charts, in the pool's process.
type Charts interface {
	// Archive gives the archive (.tgz) of a chart. What does not have the digest of the chart is an error. It must be safe for
	// concurrent use, and remember what it got.
	Archive(ctx context.Context, chart Chart) ([]byte, error)
}

// fetched is a chart that came from elsewhere, or why it did not.
type fetched struct {
	name   string // of the chart, with what pins it
	files  []helm.File
	reason string // why there are no files; refusedAbsent: the settings do not list it
}

func (f *fetched) file(name string) ([]byte, bool) {
	i := slices.IndexFunc(f.files, func(file helm.File) bool { return file.Name == name })
	if i < 0 {
		return nil, false
	}
	return f.files[i].Data, true
}

// hand fetches a chart that the settings list, and gives the worker its archive: what a stranger packed is unpacked there.
func (l *lender) hand(ctx context.Context, request frame) frame {
	refused := func(reason string) frame { return frame{frameRefused, []byte(reason)} }
	var wanted Chart
	if err := json.Unmarshal(request.payload, &wanted); err != nil || l.options.ChartSource == nil {
		return refused(refusedAbsent)
	}
	i := slices.IndexFunc(l.options.Charts, wanted.is)
	if i < 0 {
		return refused(refusedAbsent)
	}
	chart := l.options.Charts[i]
	resume := l.pause()
	archive, err := l.options.ChartSource.Archive(ctx, chart)
	resume()
	switch {
	case err != nil:
		return refused(err.Error())
	case len(archive) > maxInput:
		return refused("its archive is larger than 16 MiB")
	}
	l.options.Log.Debug("remote chart", slog.String("chart", chart.String()))
	return frame{frameContent, slices.Concat([]byte(chart.String()+"\n"), archive)}
}

// chart gets a chart that is not in the repository. The error is of the connection.
func (r *repository) chart(wanted Chart) (*fetched, error) {
	if known := r.charts[wanted]; known != nil {
		return known, nil
	}
	if r.failure != nil {
		return nil, r.failure
	}
	payload, err := json.Marshal(wanted)
	if err != nil {
		return nil, r.fail(err)
	}
	if len(payload) > maxPath { // no settings list that
		return &fetched{reason: refusedAbsent}, nil
	}
	answer, err := r.store.ask(frameChart, string(payload))
	if err != nil {
		return nil, r.fail(err)
	}
	got := &fetched{reason: string(answer.payload)}
	if answer.kind != frameRefused {
		name, archive, _ := strings.Cut(string(answer.payload), "\n")
		got.name, got.reason = name, ""
		if got.files, err = helm.Unpack([]byte(archive)); err != nil {
			got.files, got.reason = nil, err.Error()
		}
	}
	r.charts[wanted] = got
	return got, nil
}
