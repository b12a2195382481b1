package oci

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"
	"oras.land/oras-go/v2/registry/remote/errcode"
	"oras.land/oras-go/v2/registry/remote/retry"

	"github.com/sluice-dev/sluice/internal/crew"
)

// source is a repository of a registry, behind what was kept of it.
type source struct {
	kept      Kept
	reference registry.Reference

	connect    sync.Once
	repository *remote.Repository
	err        error
}

// remote gives the repository's client. Credentials are those of docker's configuration, which is read when it is first needed.
func (s *source) remote() (*remote.Repository, error) {
	s.connect.Do(func() {
		known, err := credentials.NewStoreFromDocker(credentials.StoreOptions{})
		if err != nil {
			s.err = fmt.Errorf("docker's configuration, which would have the credentials, cannot be read: %w", err)
			return
		}
		local := isLoopback(s.reference.Host())
		transport := &http.Client{Transport: retry.NewTransport(http.DefaultTransport), CheckRedirect: Redirect}
		client := &auth.Client{Client: transport, Credential: credentials.Credential(known), Cache: auth.NewCache()}
		client.SetUserAgent("sluice")
		s.repository = &remote.Repository{Reference: s.reference, Client: client, PlainHTTP: local, MaxMetadataBytes: maxManifest}
	})
	return s.repository, s.err
}

// Redirect is the rule of where what is fetched may lead (http.Client.CheckRedirect): not far, and only to what is [Trusted]; from another
// machine not to this one, which is not asked on a stranger's word.
func Redirect(next *http.Request, via []*http.Request) error {
	switch {
	case len(via) >= 5:
		return errors.New("the server leads from place to place")
	case !Trusted(next.URL), isLoopback(next.URL.Host) && !isLoopback(via[0].URL.Host):
		return errors.New("the server leads to a place that is not https")
	}
	return nil
}

// Trusted reports whether nobody on the way can change what an address gives: https, or http on this machine.
func Trusted(address *url.URL) bool {
	return address.Scheme == "https" || address.Scheme == "http" && isLoopback(address.Host)
}

// Loopback reports whether an address is of this machine.
func Loopback(address *url.URL) bool { return isLoopback(address.Host) }

// isLoopback reports whether a host, with or without a port, is this machine. Docker speaks http with it, too.
func isLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}

// manifest gives the manifest of a digest.
func (s *source) manifest(ctx context.Context, id digest.Digest) ([]byte, error) {
	return s.whole(ctx, id, maxManifest, func(r *remote.Repository) registry.ReferenceFetcher { return r.Manifests() })
}

// whole gives what has a digest among the manifests or the blobs of the repository, if it has at most so many bytes.
func (s *source) whole(ctx context.Context, id digest.Digest, most int64, among func(*remote.Repository) registry.ReferenceFetcher) ([]byte, error) {
	desc := ocispec.Descriptor{Digest: id}
	if text, ok := s.get(desc); ok {
		return text, nil
	}
	from, err := s.remote()
	if err != nil {
		return nil, err
	}
	said, body, err := among(from).FetchReference(ctx, id.String())
	if err != nil {
		return nil, explain(err)
	}
	defer body.Close()
	if said.Size > most {
		return nil, fmt.Errorf("it is larger than %d MiB", most>>20)
	}
	desc.Size = said.Size
	text, err := content.ReadAll(body, desc)
	if err != nil {
		return nil, explain(err)
	}
	s.put(desc, text)
	return text, nil
}

// files fetches the layers.
func (s *source) files(ctx context.Context, layers []layer) (*Artifact, error) {
	texts := make([][]byte, len(layers))
	group, ctx := crew.WithContext(ctx)
	group.SetLimit(4)
	for i, l := range layers {
		group.Go(func() (err error) {
			if texts[i], err = s.blob(ctx, l.Descriptor); err != nil {
				err = fmt.Errorf("fetch %s: %w", l.title, err)
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return assemble(layers, texts)
}

func (s *source) blob(ctx context.Context, desc ocispec.Descriptor) ([]byte, error) {
	if text, ok := s.get(desc); ok {
		return text, nil
	}
	from, err := s.remote()
	if err != nil {
		return nil, err
	}
	text, err := content.FetchAll(ctx, from.Blobs(), desc)
	if err != nil {
		return nil, explain(err)
	}
	s.put(desc, text)
	return text, nil
}

// explain puts an error of a registry in plain words. Addresses are left out: a registry leads to storage by addresses that hold
// a signature.
func explain(err error) error {
	var answer *errcode.ErrorResponse
	switch {
	case errors.Is(err, errdef.ErrNotFound):
		return errors.New("the registry does not have it")
	case errors.Is(err, auth.ErrBasicCredentialNotFound):
		return errors.New("the registry wants credentials, and docker's configuration has none for it (docker login)")
	case errors.As(err, &answer) && (answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden):
		return fmt.Errorf("the registry refuses access (%d): it needs credentials in docker's configuration that may read it (docker login)", answer.StatusCode)
	case errors.As(err, &answer):
		return fmt.Errorf("the registry answers %d %s", answer.StatusCode, http.StatusText(answer.StatusCode))
	case errors.Is(err, content.ErrMismatchedDigest), errors.Is(err, content.ErrTrailingData):
		return errors.New("what the registry gives has another digest")
	default:
		return WithoutAddress(err)
	}
}

// WithoutAddress gives an error of a request without more of an address than its host: paths and queries may hold a signature.
func WithoutAddress(err error) error {
	var request *url.Error
	if errors.As(err, &request) {
		err = request.Err
	}
	text := err.Error()
	if strings.Contains(text, "Location header") { // as net/http quotes one that it cannot read
		return errors.New("the server leads to a place that is no address")
	}
	if short := address.ReplaceAllString(text, "$1$2"); short != text {
		return errors.New(short)
	}
	return err
}

// address matches an address: its scheme, its host, and the rest.
var address = regexp.MustCompile(`(https?://)(?:[^\s"/@]*@)?([^\s"/?#]*)[^\s"]*`)
