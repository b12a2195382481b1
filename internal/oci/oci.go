// Package oci fetches policies and charts from OCI registries. They are named by their digest, so they are the same wherever they come from: what
// a registry answers, and what was kept of it, counts only where it has that digest.
package oci

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/registry"
	"oras.land/oras-go/v2/registry/remote"
)

// Options sets up [Artifacts]. The zero value is the default behaviour.
type Options struct {
	Kept    Kept          // where blobs are kept from run to run; nil keeps nothing
	Timeout time.Duration // of fetching one artifact; by default two minutes
}

// Kept keeps content under keys that say what it is. What it gives is verified. It must be safe for concurrent use.
type Kept interface {
	Get(key [sha256.Size]byte) (content []byte, ok bool)
	Put(key [sha256.Size]byte, content []byte)
}

// Artifacts fetches artifacts, with the credentials of docker's configuration, by https; by http only from this machine. It is safe for
// concurrent use.
type Artifacts struct {
	options Options

	mu    sync.Mutex
	known map[string]func() (*Artifact, error)
}

// Artifact is the files of an artifact: the layers that have a title (org.opencontainers.image.title), as conftest push and oras push
// make them.
type Artifact struct {
	Files fs.FS
	Root  string   // the directory that all files are in, "." where they have none in common
	Data  []string // the files that the artifact calls data, sorted
}

// New sets the fetching up. Nothing is fetched, and no credentials are read, before [Artifacts.Open].
func New(options Options) *Artifacts {
	if options.Timeout <= 0 {
		options.Timeout = 2 * time.Minute
	}
	return &Artifacts{options: options, known: make(map[string]func() (*Artifact, error))}
}

// Open gives an artifact by its name, registry/repository@sha256:DIGEST. It is fetched once. No error holds credentials, or more of an
// address than its host.
func (a *Artifacts) Open(ctx context.Context, name string) (*Artifact, error) {
	a.mu.Lock()
	open := a.known[name]
	if open == nil {
		open = sync.OnceValues(func() (*Artifact, error) { return a.open(ctx, name) })
		a.known[name] = open
	}
	a.mu.Unlock()
	return open()
}

func (a *Artifacts) open(ctx context.Context, name string) (*Artifact, error) {
	ctx, cancel := context.WithTimeout(ctx, a.options.Timeout)
	defer cancel()
	reference, err := registry.ParseReference(name)
	if err != nil {
		return nil, fmt.Errorf("read the name: %w", err)
	}
	id, err := reference.Digest()
	if err != nil {
		return nil, fmt.Errorf("read the name: %w", err)
	}
	s := source{kept: a.options.Kept, reference: reference}
	text, err := s.manifest(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("fetch the manifest: %w", err)
	}
	layers, err := readManifest(text)
	if err != nil {
		return nil, fmt.Errorf("read the manifest: %w", err)
	}
	return s.files(ctx, layers)
}

// Blob gives a single blob of a repository, registry/repository, by its digest, if it has at most so many bytes. It is fetched anew each
// time, unless it is kept.
func (a *Artifacts) Blob(ctx context.Context, repository, id string, most int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, a.options.Timeout)
	defer cancel()
	reference, err := registry.ParseReference(repository + "@" + id)
	if err != nil {
		return nil, fmt.Errorf("read the name: %w", err)
	}
	s := source{kept: a.options.Kept, reference: reference}
	return s.whole(ctx, digest.Digest(id), most, func(r *remote.Repository) registry.ReferenceFetcher { return r.Blobs() })
}

// key names a blob among what is kept.
func key(id digest.Digest) [sha256.Size]byte { return sha256.Sum256([]byte("oci blob\n" + id)) }

// get gives a blob that was kept, if it is what its descriptor says.
func (s *source) get(desc ocispec.Descriptor) ([]byte, bool) {
	if s.kept == nil {
		return nil, false
	}
	text, ok := s.kept.Get(key(desc.Digest))
	return text, ok && content.NewDescriptorFromBytes("", text).Digest == desc.Digest
}

func (s *source) put(desc ocispec.Descriptor, text []byte) {
	if s.kept != nil {
		s.kept.Put(key(desc.Digest), text)
	}
}
