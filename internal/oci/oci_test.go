package oci_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/sluice-dev/sluice/internal/oci"
	"github.com/sluice-dev/sluice/internal/oci/ocitest"
)

const dataType = "application/vnd.cncf.openpolicyagent.data.layer.v1+json"

// kept keeps blobs.
type kept struct{ sync.Map }

func (k *kept) Get(key [sha256.Size]byte) ([]byte, bool) {
	content, ok := k.Load(key)
	text, _ := content.([]byte)
	return text, ok
}

func (k *kept) Put(key [sha256.Size]byte, content []byte) { k.Store(key, content) }

func layerOf(title, text string) ocispec.Descriptor { return sized(title, text, int64(len(text))) }

func sized(title, text string, size int64) ocispec.Descriptor {
	return ocispec.Descriptor{
		MediaType: "text/plain", Digest: digest.FromString(text), Size: size, Annotations: map[string]string{ocispec.AnnotationTitle: title},
	}
}

// filesIn lists a tree, with the content of its files.
func filesIn(t *testing.T, tree fs.FS) map[string]string {
	t.Helper()
	out := make(map[string]string)
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(tree, name)
		out[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestOpen(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	registry := ocitest.New(t)
	for label, test := range map[string]struct {
		files map[string]string
		root  string
		data  []string
	}{
		"pushed with -p policy":      {map[string]string{"policy/a.rego": "package a", "policy/sub/b.rego": "package b", "policy/data/d.json": "{}"}, "policy", []string{"policy/data/d.json"}},
		"pushed with -p p and -d d":  {map[string]string{"kubernetes/p/a.rego": "package a", "kubernetes/d/d.json": "{}"}, "kubernetes", []string{"kubernetes/d/d.json"}},
		"nothing in common":          {map[string]string{"a/a.rego": "package a", "ab/b.rego": "package a"}, ".", nil},
		"one file":                   {map[string]string{"a.rego": "package a"}, ".", nil},
		"two of one content, a long": {map[string]string{"p/a.rego": "", "p/b.rego": "", "p/c.rego": strings.Repeat("# long\n", 200_000)}, "p", nil},
	} {
		types := make(map[string]string)
		for _, name := range test.data {
			types[name] = dataType
		}
		got, err := oci.New(oci.Options{}).Open(t.Context(), registry.Push(t, "acme/policies", test.files, types))
		if err != nil {
			t.Errorf("%s: %v", label, err)
			continue
		}
		if diff := cmp.Diff(test.files, filesIn(t, got.Files)); diff != "" || got.Root != test.root || !cmp.Equal(got.Data, test.data) {
			t.Errorf("%s: root %q, data %q, files (-pushed +opened):\n%s", label, got.Root, got.Data, diff)
		}
	}
}

// What is not exactly what the digest says, or is not what policies can be, is an error in plain words.
func TestOpenRefuses(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	const text = "package a"
	for label, test := range map[string]struct {
		layers []ocispec.Descriptor
		index  bool
		answer func(w http.ResponseWriter, r *http.Request) bool
		want   string
	}{
		"not there":         {answer: status(http.StatusNotFound), want: "fetch the manifest: the registry does not have it"},
		"no access":         {answer: status(http.StatusForbidden), want: "the registry refuses access (403)"},
		"wants credentials": {answer: challenge(`Basic realm="r"`), want: "docker's configuration has none for it"},
		"odd answer":        {answer: status(http.StatusTeapot), want: "the registry answers 418 I'm a teapot"},
		"another manifest":  {answer: instead("/manifests/", `{"layers":[]}`), want: "fetch the manifest: what the registry gives has another digest"},
		"endless manifest":  {answer: length("/manifests/", 5<<20), want: "it is larger than 4 MiB"},
		"another file":      {layers: []ocispec.Descriptor{layerOf("a.rego", text)}, answer: instead("/blobs/", "package b"), want: "fetch a.rego: what the registry gives has another digest"},
		"longer file":       {layers: []ocispec.Descriptor{layerOf("a.rego", text)}, answer: chunked("/blobs/", text+"\n# more"), want: "what the registry gives has another digest"},
		"truncated file":    {layers: []ocispec.Descriptor{layerOf("a.rego", text)}, answer: chunked("/blobs/", text[:4]), want: "expected content size of 9, got 4"},
		"aborted file":      {layers: []ocispec.Descriptor{layerOf("a.rego", text)}, answer: length("/blobs/", len(text)), want: "unexpected EOF"},
		"no such file":      {layers: []ocispec.Descriptor{layerOf("a.rego", "never pushed")}, want: "fetch a.rego: the registry does not have it"},
		"too large":         {layers: []ocispec.Descriptor{sized("a.rego", text, 33<<20)}, want: "the artifact holds more than 32 MB"},
		"too large in sum":  {layers: []ocispec.Descriptor{sized("a.rego", text, 20<<20), sized("b.rego", text, 20<<20)}, want: "the artifact holds more than 32 MB"},
		"negative":          {layers: []ocispec.Descriptor{sized("a.rego", text, -1)}, want: "the artifact holds more than 32 MB"},
		"too many":          {layers: make([]ocispec.Descriptor, 4_001), want: "the artifact holds more than 4000 files"},
		"empty":             {want: "the artifact holds no files"},
		"an index":          {index: true, want: "it is an index of several artifacts"},
		"no name":           {layers: []ocispec.Descriptor{layerOf("", text)}, want: "layer 0 has no name (org.opencontainers.image.title)"},
		"outside":           {layers: []ocispec.Descriptor{layerOf("../a.rego", text)}, want: `"../a.rego" is no path inside of the artifact`},
		"inside by a way":   {layers: []ocispec.Descriptor{layerOf("p/../a.rego", text)}, want: `is no path inside of the artifact`},
		"absolute":          {layers: []ocispec.Descriptor{layerOf("/etc/a.rego", text)}, want: `"/etc/a.rego" is no path inside of the artifact`},
		"of Windows":        {layers: []ocispec.Descriptor{layerOf(`p\a.rego`, text)}, want: `is no path inside of the artifact`},
		"everything":        {layers: []ocispec.Descriptor{layerOf(".", text)}, want: `"." is no path inside of the artifact`},
		"twice":             {layers: []ocispec.Descriptor{layerOf("a.rego", text), layerOf("a.rego", text)}, want: "two files of the artifact have one name"},
		"file and place":    {layers: []ocispec.Descriptor{layerOf("a", text), layerOf("a/b.rego", text)}, want: "two files of the artifact have one name"},
		"packed": {layers: []ocispec.Descriptor{{Digest: digest.FromString(text), Size: 9, Annotations: map[string]string{
			ocispec.AnnotationTitle: "policy", "io.deis.oras.content.unpack": "true"}}}, want: `"policy" is a packed directory`},
		"no digest": {layers: []ocispec.Descriptor{{Digest: "sha256:x", Size: 9, Annotations: map[string]string{ocispec.AnnotationTitle: "a.rego"}}}, want: `"a.rego": invalid checksum digest`},
	} {
		t.Run(label, func(t *testing.T) {
			registry := ocitest.New(t)
			registry.Push(t, "acme/policies", map[string]string{"a.rego": text}, nil)
			name := registry.PushManifest(t, "acme/policies", ocispec.Manifest{Layers: test.layers})
			if test.index {
				name = registry.PushManifest(t, "acme/policies", map[string]any{"manifests": []any{}})
			}
			registry.Answer = test.answer
			memory := &kept{}
			_, err := oci.New(oci.Options{Kept: memory}).Open(t.Context(), name)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			memory.Range(func(_, content any) bool {
				if text := string(content.([]byte)); strings.Contains(text, "package b") || strings.Contains(text, "more") {
					t.Errorf("kept is %q", text)
				}
				return true
			})
		})
	}
}

// What was kept is used without the registry, and only where it is what its digest says.
func TestKept(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	registry := ocitest.New(t)
	name := registry.Push(t, "acme/policies", map[string]string{"a.rego": "package a"}, nil)
	memory := &kept{}
	for run := range 3 {
		before := registry.Asked()
		if _, err := oci.New(oci.Options{Kept: memory}).Open(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		asked := registry.Asked() > before
		if want := run != 1; asked != want {
			t.Errorf("run %d: the registry was asked: %v", run, asked)
		}
		if run == 1 {
			memory.Range(func(key, _ any) bool { memory.Store(key, []byte("another")); return true })
		}
	}
}

// The credentials are those of docker's configuration. They go to the registry alone, and no error tells them.
func TestCredentials(t *testing.T) {
	home := t.TempDir()
	t.Setenv("DOCKER_CONFIG", home)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Errorf("the storage is told %q", r.Header.Get("Authorization"))
		}
		w.WriteHeader(http.StatusForbidden)
	}))
	defer elsewhere.Close()
	registry := ocitest.New(t)
	name := registry.Push(t, "acme/policies", map[string]string{"a.rego": "package a"}, nil)
	storage := ""
	registry.Answer = func(w http.ResponseWriter, r *http.Request) bool {
		if user, password, _ := r.BasicAuth(); user != "robot" || password != "hunter2" {
			return challenge(`Basic realm="r"`)(w, r)
		}
		if storage != "" && strings.Contains(r.URL.Path, "/blobs/") {
			http.Redirect(w, r, storage, http.StatusTemporaryRedirect)
			return true
		}
		return false
	}
	write := func(password string) {
		config := fmt.Sprintf(`{"auths":{%q:{"username":"robot","password":%q}}}`, registry.Host, password)
		if err := os.WriteFile(filepath.Join(home, "config.json"), []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	open := func() error { _, err := oci.New(oci.Options{}).Open(t.Context(), name); return err }

	write("hunter2")
	if err := open(); err != nil {
		t.Error(err)
	}
	write("wrong-secret")
	if err := open(); err == nil || !strings.Contains(err.Error(), "docker login") || strings.Contains(err.Error(), "secret") {
		t.Errorf("with another password: %v", err)
	}
	write("hunter2")
	storage = elsewhere.URL + "/bucket?signature=topsecret"
	if err := open(); err == nil || strings.Contains(err.Error(), "topsecret") {
		t.Errorf("from a storage that refuses: %v", err)
	}
	storage = "http://storage.example.com/bucket?signature=topsecret"
	if err := open(); err == nil || !strings.Contains(err.Error(), "leads to a place that is not https") || strings.Contains(err.Error(), "topsecret") {
		t.Errorf("from a place without https: %v", err)
	}
	if err := os.WriteFile(filepath.Join(home, "config.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := open(); err == nil || !strings.Contains(err.Error(), "docker's configuration") {
		t.Errorf("with a broken configuration: %v", err)
	}
}

func status(code int) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(code); return true }
}

func challenge(scheme string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("WWW-Authenticate", scheme)
		w.WriteHeader(http.StatusUnauthorized)
		return true
	}
}

// instead gives something else, with its length.
func instead(in, text string) func(http.ResponseWriter, *http.Request) bool {
	return length(in, len(text), text)
}

// length says that an answer is of a length, and gives a text.
func length(in string, n int, text ...string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, in) {
			return false
		}
		w.Header().Set("Content-Type", ocispec.MediaTypeImageManifest)
		w.Header().Set("Docker-Content-Digest", r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:])
		w.Header().Set("Content-Length", fmt.Sprint(n))
		_, _ = w.Write([]byte(strings.Join(text, "")))
		return true
	}
}

// chunked gives a text without saying how long it is.
func chunked(in, text string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, in) {
			return false
		}
		_, _ = w.Write([]byte(text[:1]))
		w.(http.Flusher).Flush()
		_, _ = w.Write([]byte(text[1:]))
		return true
	}
}

func TestWithoutAddress(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"mismatch Content-Length of https://user:pass@storage.example.com/a/b?X-Sig=s3cret: 3":    "mismatch Content-Length of https://storage.example.com 3",
		"failed to parse Location header \"https://storage.example.com/%zz?sig=s3cret\": invalid": "the server leads to a place that is no address",
		"connection refused": "connection refused",
	} {
		if got := oci.WithoutAddress(&url.Error{Op: "Get", URL: "https://storage.example.com/x?sig=s3cret", Err: errors.New(text)}).Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
