package charts

import (
	"crypto/sha256"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/sluice-dev/sluice/internal/oci"
	"github.com/sluice-dev/sluice/internal/oci/ocitest"
)

const content = "the archive of a chart"

type memory map[[sha256.Size]byte][]byte

func (m memory) Get(key [sha256.Size]byte) ([]byte, bool)  { content, ok := m[key]; return content, ok }
func (m memory) Put(key [sha256.Size]byte, content []byte) { m[key] = content }

// repository serves an index and archives, and counts the requests.
func repository(t *testing.T, index string) (url string, asked *int) {
	asked = new(int)
	mux := http.NewServeMux()
	mux.HandleFunc("/charts/index.yaml", func(w http.ResponseWriter, _ *http.Request) { *asked++; _, _ = w.Write([]byte(index)) })
	mux.HandleFunc("/charts/web-1.0.0.tgz", func(w http.ResponseWriter, _ *http.Request) { *asked++; _, _ = w.Write([]byte(content)) })
	mux.HandleFunc("/charts/huge.tgz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, maxArchive+1)) })
	mux.HandleFunc("/charts/moved.tgz", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "web-1.0.0.tgz", http.StatusFound) })
	mux.HandleFunc("/charts/away.tgz", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://charts.example.com/x?token=s3cret", http.StatusFound)
	})
	mux.HandleFunc("/charts/nonsense.tgz", func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Location"] = []string{"https://storage.example.com/%zz?token=s3cret"}
		w.WriteHeader(http.StatusFound)
	})
	mux.HandleFunc("/charts/round.tgz", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "round.tgz", http.StatusFound) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL + "/charts", asked
}

func TestArchive(t *testing.T) {
	t.Parallel()
	entry := func(url string) string {
		return "entries:\n  web:\n  - {version: 0.9.0, urls: [old.tgz]}\n  - {version: 1.0.0, urls: [\"" + url + "\"]}\n"
	}
	for name, test := range map[string]struct {
		index string
		want  string // of the error; "" without one
	}{
		"relative":          {entry("web-1.0.0.tgz"), ""},
		"moved":             {entry("moved.tgz"), ""},
		"another digest":    {entry("index.yaml"), "its archive has the digest sha256:"},
		"gone":              {entry("gone.tgz"), "answers 404 Not Found"},
		"too large":         {entry("huge.tgz"), "fetch the archive: it is larger than 16 MiB"},
		"no https":          {entry("http://charts.example.com/web.tgz?token=s3cret"), "fetch the archive: it is at http://charts.example.com, which is not https"},
		"leads away":        {entry("away.tgz"), "leads to a place that is not https"},
		"leads round":       {entry("round.tgz"), "leads from place to place"},
		"leads to nonsense": {entry("nonsense.tgz"), "leads to a place that is no address"},
		"no such version":   {"entries: {web: [{version: 2.0.0, urls: [a]}]}", "does not list its version 1.0.0"},
		"no such chart":     {"entries: {}", "does not list the chart"},
		"no index":          {"<html>\n\t-", "no YAML that lists charts"},
		"an entry by alias": {"a: &a [web-1.0.0.tgz]\nentries: {web: [{version: 1.0.0, urls: *a}]}", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, _ := repository(t, test.index)
			got, err := New(Options{}).Archive(t.Context(), Chart{Repo: url, Name: "web", Version: "1.0.0", Digest: digestOf([]byte(content))})
			switch {
			case test.want == "" && (err != nil || string(got) != content):
				t.Errorf("got %q, %v", got, err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got %v, want %q", err, test.want)
			case err != nil && strings.Contains(err.Error(), "s3cret"):
				t.Errorf("the error shows what an address holds: %v", err)
			}
		})
	}
}

// TestArchiveKept: a chart is fetched once in a run, and never again with what was kept; damage costs the work again.
func TestArchiveKept(t *testing.T) {
	t.Parallel()
	url, asked := repository(t, "entries: {web: [{version: 1.0.0, urls: [web-1.0.0.tgz]}]}")
	chart := Chart{Repo: url, Name: "web", Version: "1.0.0", Digest: digestOf([]byte(content))}
	kept := make(memory)
	for _, want := range []int{2, 2, 4} {
		if want == 4 {
			kept[key(chart.Digest)] = []byte("damaged")
		}
		fetcher := New(Options{Kept: kept})
		for range 2 {
			if got, err := fetcher.Archive(t.Context(), chart); err != nil || string(got) != content {
				t.Fatalf("got %q, %v", got, err)
			}
		}
		if *asked != want {
			t.Errorf("asked %d times, want %d", *asked, want)
		}
	}
}

// TestArchiveOfRegistry gets a chart's layer by its digest, as `helm push` puts it there.
func TestArchiveOfRegistry(t *testing.T) {
	t.Parallel()
	registry := ocitest.New(t)
	registry.Push(t, "acme/charts/web", map[string]string{"web-1.0.0.tgz": content}, nil)
	fetcher := New(Options{Registries: oci.New(oci.Options{})})
	chart := Chart{Repo: "oci://" + registry.Host + "/acme/charts", Name: "web", Version: "1.0.0", Digest: string(digest.FromString(content))}
	if got, err := fetcher.Archive(t.Context(), chart); err != nil || string(got) != content {
		t.Errorf("got %q, %v", got, err)
	}
	chart.Digest = string(digest.FromString("another"))
	if _, err := fetcher.Archive(t.Context(), chart); err == nil || !strings.Contains(err.Error(), "the registry does not have it") {
		t.Errorf("got %v", err)
	}
	registry.Answer = func(w http.ResponseWriter, q *http.Request) bool {
		_, _ = w.Write([]byte("what another repository put there"))
		return true
	}
	if got, err := fetcher.Archive(t.Context(), Chart{Repo: chart.Repo, Name: "db", Version: "1", Digest: chart.Digest}); err == nil {
		t.Errorf("what has another digest is taken: %q", got)
	}
}
