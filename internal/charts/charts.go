// Package charts fetches the archives of Helm charts, from chart repositories and OCI registries. They are named by their digest, so
// they are the same wherever they come from: what is answered, and what was kept of it, counts only where it has that digest.
package charts

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/sluice-dev/sluice/internal/oci"
)

// Bounds of what is fetched, in bytes. The index of the largest public repository has some 20 MB.
const (
	maxIndex   = 64 << 20
	maxArchive = 16 << 20
)

// Options sets up [Charts]. The zero value is the default behaviour.
type Options struct {
	Kept       oci.Kept       // where archives are kept from run to run; nil keeps nothing
	Registries *oci.Artifacts // for oci:// repositories; nil: they cannot be used
	Timeout    time.Duration  // of fetching one chart; by default two minutes
}

// Charts fetches charts: of chart repositories without credentials, by https; by http only from this machine. It is safe for concurrent
// use.
type Charts struct {
	options Options

	mu    sync.Mutex
	known map[Chart]func() ([]byte, error)

	asking  sync.Mutex // for indexes, one at a time: they are large
	indexes map[string]*index
}

// Chart is one version of a chart.
type Chart struct {
	Repo    string // https://host/path, or oci://host/path
	Name    string
	Version string
	Digest  string // of the archive: "sha256:" and 64 hexadecimal digits
}

// New sets the fetching up.
func New(options Options) *Charts {
	if options.Timeout <= 0 {
		options.Timeout = 2 * time.Minute
	}
	return &Charts{options: options, known: make(map[Chart]func() ([]byte, error)), indexes: make(map[string]*index)}
}

// Archive gives the archive (.tgz) of a chart. It is fetched once. No error holds more of an address than its host.
func (c *Charts) Archive(ctx context.Context, chart Chart) ([]byte, error) {
	c.mu.Lock()
	get := c.known[chart]
	if get == nil {
		get = sync.OnceValues(func() ([]byte, error) { return c.get(ctx, chart) })
		c.known[chart] = get
	}
	c.mu.Unlock()
	return get()
}

func (c *Charts) get(ctx context.Context, chart Chart) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	if registry, ok := strings.CutPrefix(chart.Repo, "oci://"); ok {
		if c.options.Registries == nil {
			return nil, errors.New("charts of registries are not fetched here")
		}
		// The archive is the layer of a chart's artifact, so that its digest names it there too: https://helm.sh/docs/topics/registries
		return c.options.Registries.Blob(ctx, strings.TrimSuffix(registry, "/")+"/"+chart.Name, chart.Digest, maxArchive)
	}
	if archive, ok := c.kept(chart.Digest); ok {
		return archive, nil
	}
	address, err := c.find(ctx, chart)
	if err != nil {
		return nil, err
	}
	archive, err := c.fetch(ctx, address, maxArchive)
	if err != nil {
		return nil, fmt.Errorf("fetch the archive: %w", err)
	}
	if got := digestOf(archive); got != chart.Digest {
		return nil, fmt.Errorf("its archive has the digest %s, and the settings say %s", got, chart.Digest)
	}
	if c.options.Kept != nil {
		c.options.Kept.Put(key(chart.Digest), archive)
	}
	return archive, nil
}

// index is the part that matters of a repository's list of charts: https://helm.sh/docs/topics/chart_repository#the-index-file
type index struct {
	Entries map[string][]struct {
		Version string   `yaml:"version"`
		URLs    []string `yaml:"urls"`
	} `yaml:"entries"`
}

// find asks a repository where a chart's archive is.
func (c *Charts) find(ctx context.Context, chart Chart) (*url.URL, error) {
	repository, err := url.Parse(strings.TrimSuffix(chart.Repo, "/") + "/")
	if err != nil {
		return nil, errors.New("its repository is no address")
	}
	all, err := c.index(ctx, repository)
	if err != nil {
		return nil, err
	}
	for _, entry := range all.Entries[chart.Name] {
		if entry.Version != chart.Version || len(entry.URLs) == 0 {
			continue
		}
		address, err := repository.Parse(entry.URLs[0])
		if err != nil || oci.Loopback(address) && !oci.Loopback(repository) {
			return nil, errors.New("the repository's index.yaml gives no address for it that may be asked")
		}
		return address, nil
	}
	if len(all.Entries[chart.Name]) == 0 {
		return nil, errors.New("the repository's index.yaml does not list the chart")
	}
	return nil, fmt.Errorf("the repository's index.yaml does not list its version %s", chart.Version)
}

// index gives a repository's list, which is fetched once.
func (c *Charts) index(ctx context.Context, repository *url.URL) (*index, error) {
	c.asking.Lock()
	defer c.asking.Unlock()
	if known := c.indexes[repository.String()]; known != nil {
		return known, nil
	}
	text, err := c.fetch(ctx, repository.JoinPath("index.yaml"), maxIndex)
	if err != nil {
		return nil, fmt.Errorf("fetch the repository's index.yaml: %w", err)
	}
	all := &index{}
	if err := yaml.Unmarshal(text, all); err != nil {
		return nil, errors.New("the repository's index.yaml is no YAML that lists charts")
	}
	c.indexes[repository.String()] = all
	return all, nil
}

// fetch gets a file of at most so many bytes.
func (c *Charts) fetch(ctx context.Context, address *url.URL, most int64) ([]byte, error) {
	if !oci.Trusted(address) {
		return nil, fmt.Errorf("it is at %s, which is not https", address.Scheme+"://"+address.Host)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return nil, errors.New("its address cannot be asked")
	}
	request.Header.Set("User-Agent", "sluice")
	client := &http.Client{CheckRedirect: oci.Redirect}
	response, err := client.Do(request)
	if err != nil {
		return nil, oci.WithoutAddress(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %d %s", address.Host, response.StatusCode, http.StatusText(response.StatusCode))
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, most+1))
	switch {
	case err != nil:
		return nil, err
	case int64(len(text)) > most:
		return nil, fmt.Errorf("it is larger than %d MiB", most>>20)
	}
	return text, nil
}

func digestOf(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func key(digest string) [sha256.Size]byte { return sha256.Sum256([]byte("chart\n" + digest)) }

func (c *Charts) kept(wanted string) ([]byte, bool) {
	if c.options.Kept == nil {
		return nil, false
	}
	archive, ok := c.options.Kept.Get(key(wanted))
	return archive, ok && digestOf(archive) == wanted
}
