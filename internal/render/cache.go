package render

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/zstd"
)

// Cache keeps what is costly to make, in a directory, under keys that say all that it was made from. Whatever is not
// exactly what was put under a key, complete, is not there: a torn, foreign or outdated entry costs the work again, and
// nothing else. It is safe for concurrent use, by several processes too.
//
// It does not defend against one who can write to the directory on purpose: runs that others trust (of promotions, of a
// merge queue) must not be given what a pull request has written.
type Cache struct {
	dir     string
	options CacheOptions
	encoder *zstd.Encoder
	decoder *zstd.Decoder
	grown   atomic.Bool
}

// CacheOptions bounds a [Cache]. The zero value is the default behaviour.
type CacheOptions struct {
	Version string        // of the program: entries of another are not found
	MaxSize int64         // bytes on disk that [Cache.Trim] leaves; by default 256 MiB
	MaxAge  time.Duration // that an entry may stay without being used; by default 30 days
}

// Key names an entry: a digest of what it was made from.
type Key [sha256.Size]byte

const (
	cacheMagic    = "sluice cache 1\n"
	cacheEntries  = "entries" // the directory of the entries, so that nothing else is ever removed
	maxEntry      = 96 << 20  // bytes of an entry, uncompressed
	touchInterval = 24 * time.Hour
)

// OpenCache makes the directory where there is none.
func OpenCache(dir string, options CacheOptions) (*Cache, error) {
	if options.MaxSize <= 0 {
		options.MaxSize = 256 << 20
	}
	if options.MaxAge <= 0 {
		options.MaxAge = 30 * 24 * time.Hour
	}
	if err := os.MkdirAll(filepath.Join(dir, cacheEntries), 0o700); err != nil {
		return nil, fmt.Errorf("open the cache: %w", err)
	}
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		return nil, fmt.Errorf("open the cache: %w", err)
	}
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(maxEntry), zstd.WithDecoderConcurrency(0))
	if err != nil {
		return nil, fmt.Errorf("open the cache: %w", err)
	}
	return &Cache{dir: dir, options: options, encoder: encoder, decoder: decoder}, nil
}

// file is where an entry lies.
func (c *Cache) file(key Key) string {
	name := hex.EncodeToString(key[:])
	return filepath.Join(c.dir, cacheEntries, name[:2], name[2:])
}

// sum binds an entry's content to its key and to the program's version.
func (c *Cache) sum(key Key, content []byte) []byte {
	h := sha256.New()
	fmt.Fprintf(h, "%d %s\n%x\n", len(c.options.Version), c.options.Version, key)
	h.Write(content)
	return h.Sum(nil)
}

// Get gives what was put under a key; ok is false when it is not there.
func (c *Cache) Get(key Key) (content []byte, ok bool) {
	name := c.file(key)
	info, err := os.Stat(name)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxEntry {
		return nil, false
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, false
	}
	rest, ok := bytes.CutPrefix(data, []byte(cacheMagic))
	if !ok || len(rest) < sha256.Size {
		return nil, false
	}
	content, err = c.decoder.DecodeAll(rest[sha256.Size:], nil)
	if err != nil || !bytes.Equal(c.sum(key, content), rest[:sha256.Size]) {
		return nil, false
	}
	if now := time.Now(); now.Sub(info.ModTime()) > touchInterval {
		_ = os.Chtimes(name, now, now) // it is in use; if that is not noted, it is made again some day
	}
	return content, true
}

// Put stores content under a key, at once or not at all. An error changes nothing for whoever asks for the key.
func (c *Cache) Put(key Key, content []byte) error {
	if len(content) > maxEntry {
		return nil
	}
	data := append([]byte(cacheMagic), c.sum(key, content)...)
	data = c.encoder.EncodeAll(content, data)
	name := c.file(key)
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return fmt.Errorf("write to the cache: %w", err)
	}
	temporary, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return fmt.Errorf("write to the cache: %w", err)
	}
	_, err = temporary.Write(data)
	if closed := temporary.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(temporary.Name(), name)
	}
	if err != nil {
		os.Remove(temporary.Name())
		return fmt.Errorf("write to the cache: %w", err)
	}
	c.grown.Store(true)
	return nil
}

// Grown reports whether anything was put since the cache was opened: if not, there is nothing to trim.
func (c *Cache) Grown() bool { return c.grown.Load() }

// Trim removes entries that were not used for too long, and then the ones used least recently until the rest fits.
func (c *Cache) Trim() error {
	type stored struct {
		name string
		size int64
		used time.Time
	}
	var all []stored
	var total int64
	err := filepath.WalkDir(filepath.Join(c.dir, cacheEntries), func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // another process may be trimming too
		}
		if info, err := d.Info(); err == nil {
			all = append(all, stored{name, info.Size(), info.ModTime()})
			total += info.Size()
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("trim the cache: %w", err)
	}
	slices.SortFunc(all, func(a, b stored) int { return a.used.Compare(b.used) })
	oldest := time.Now().Add(-c.options.MaxAge)
	for _, s := range all {
		if total <= c.options.MaxSize && s.used.After(oldest) {
			break
		}
		if err := os.Remove(s.name); err == nil {
			total -= s.size
		}
	}
	return nil
}
