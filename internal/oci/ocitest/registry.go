// Package ocitest is an OCI registry for tests, in memory.
package ocitest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/registry/remote"
)

// Registry serves what was pushed to it, by the part of the distribution specification that conftest and oras use:
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md
type Registry struct {
	Host string // address and port
	// Answer may answer a request itself; nil, or what gives false, leaves that to the registry.
	Answer func(w http.ResponseWriter, r *http.Request) bool

	mu        sync.Mutex
	blobs     map[string][]byte // by digest
	manifests map[string][]byte // by digest, and by tag
	asked     int
}

// New starts a registry on this machine, which ends with the test.
func New(t testing.TB) *Registry {
	r := &Registry{blobs: make(map[string][]byte), manifests: make(map[string][]byte)}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.Host = strings.TrimPrefix(server.URL, "http://")
	return r
}

// Asked is how many requests there were.
func (r *Registry) Asked() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked
}

// ServeHTTP implements http.Handler.
func (r *Registry) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	r.asked++
	r.mu.Unlock()
	if r.Answer != nil && r.Answer(w, q) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	parts := strings.Split(q.URL.Path, "/")
	kind, name := parts[max(0, len(parts)-2)], parts[len(parts)-1]
	switch {
	case q.Method == http.MethodPost:
		w.Header().Set("Location", q.URL.Path+"upload")
		w.WriteHeader(http.StatusAccepted)
	case q.Method == http.MethodPut:
		data, err := io.ReadAll(q.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		id := digest.FromBytes(data).String()
		if kind == "manifests" {
			r.manifests[id], r.manifests[name] = data, data
		} else {
			r.blobs[id] = data
		}
		w.Header().Set("Docker-Content-Digest", id)
		w.WriteHeader(http.StatusCreated)
	default:
		data, ok := r.blobs[name]
		if kind == "manifests" {
			data, ok = r.manifests[name]
			w.Header().Set("Content-Type", ocispec.MediaTypeImageManifest)
		}
		if !ok {
			http.Error(w, `{"errors":[{"code":"NAME_UNKNOWN"}]}`, http.StatusNotFound)
			return
		}
		w.Header().Set("Docker-Content-Digest", digest.FromBytes(data).String())
		w.Header().Set("Content-Length", fmt.Sprint(len(data)))
		_, _ = w.Write(data)
	}
}

// Push pushes files as conftest push does, those with a type in types of that type, and gives the artifact's name by its digest.
func (r *Registry) Push(t testing.TB, repository string, files, types map[string]string) (name string) {
	t.Helper()
	to, err := remote.NewRepository(r.Host + "/" + repository)
	if err != nil {
		t.Fatal(err)
	}
	to.PlainHTTP = true
	manifest := ocispec.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, Config: content.NewDescriptorFromBytes("application/vnd.unknown.config.v1+json", []byte("{}"))}
	for _, file := range slices.Sorted(maps.Keys(files)) {
		mediaType := "application/vnd.cncf.openpolicyagent.policy.layer.v1+rego"
		if types[file] != "" {
			mediaType = types[file]
		}
		layer := content.NewDescriptorFromBytes(mediaType, []byte(files[file]))
		layer.Annotations = map[string]string{ocispec.AnnotationTitle: file}
		if err := to.Push(context.Background(), layer, strings.NewReader(files[file])); err != nil {
			t.Fatal(err)
		}
		manifest.Layers = append(manifest.Layers, layer)
	}
	return r.PushManifest(t, repository, manifest)
}

// PushManifest pushes a manifest, whatever it says, and gives its name.
func (r *Registry) PushManifest(t testing.TB, repository string, manifest any) (name string) {
	t.Helper()
	text, err := json.Marshal(manifest)
	if err != nil {
		t.Fatal(err)
	}
	to, err := remote.NewRepository(r.Host + "/" + repository)
	if err != nil {
		t.Fatal(err)
	}
	to.PlainHTTP = true
	desc := content.NewDescriptorFromBytes(ocispec.MediaTypeImageManifest, text)
	if err := to.Push(context.Background(), desc, bytes.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	return r.Host + "/" + repository + "@" + desc.Digest.String()
}
