package render

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/sluice-dev/sluice/internal/plan"
)

func openCache(t testing.TB, options CacheOptions) *Cache {
	t.Helper()
	cache, err := OpenCache(filepath.Join(t.TempDir(), "cache"), options)
	if err != nil {
		t.Fatal(err)
	}
	return cache
}

func keyOf(text string) Key { return sha256.Sum256([]byte(text)) }

// TestCacheDamage changes each byte of an entry, cuts it anywhere, and puts it in another's place: it is never found.
func TestCacheDamage(t *testing.T) {
	cache := openCache(t, CacheOptions{Version: "1"})
	key, content := keyOf("a"), []byte(strings.Repeat("some content ", 20))
	if _, ok := cache.Get(key); ok {
		t.Error("an empty cache has it")
	}
	if err := cache.Put(key, content); err != nil {
		t.Fatal(err)
	}
	if got, ok := cache.Get(key); !ok || !bytes.Equal(got, content) {
		t.Fatalf("got %q, %t", got, ok)
	}
	file := cache.file(key)
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, data []byte) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i := range good {
		write(file, good[:i])
		if _, ok := cache.Get(key); ok {
			t.Errorf("it is found though cut to %d bytes", i)
		}
		bad := slices.Clone(good)
		bad[i] ^= 0x20
		write(file, bad)
		if got, ok := cache.Get(key); ok && !bytes.Equal(got, content) {
			t.Errorf("byte %d is wrong, and it is found: %q", i, got)
		}
	}
	write(cache.file(keyOf("b")), good)
	if _, ok := cache.Get(keyOf("b")); ok {
		t.Error("another's entry is found")
	}
	write(file, good)
	other, err := OpenCache(cache.dir, CacheOptions{Version: "2"})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := other.Get(key); ok {
		t.Error("another version's entry is found")
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(file, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, ok := cache.Get(key); ok {
		t.Error("a directory is found")
	}
	if err := cache.Put(key, content); err == nil {
		t.Error("it is said to be stored where a directory stands")
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(file), ".new-*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// TestCacheBomb stores a small entry that stands for a large one.
func TestCacheBomb(t *testing.T) {
	cache := openCache(t, CacheOptions{})
	if err := cache.Put(keyOf("bomb"), make([]byte, maxEntry+1)); err != nil {
		t.Fatal(err)
	}
	if _, ok := cache.Get(keyOf("bomb")); ok {
		t.Error("it is found")
	}
	content := make([]byte, 2*maxEntry)
	data := append([]byte(cacheMagic), cache.sum(keyOf("bomb"), content)...)
	file := cache.file(keyOf("bomb"))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, cache.encoder.EncodeAll(content, data), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, ok := cache.Get(keyOf("bomb")); ok {
		t.Error("it is found")
	}
}

func TestCacheTrim(t *testing.T) {
	cache := openCache(t, CacheOptions{MaxSize: 1000, MaxAge: 48 * time.Hour})
	foreign := filepath.Join(cache.dir, "notes.txt")
	if err := os.WriteFile(foreign, make([]byte, 5000), 0o600); err != nil {
		t.Fatal(err)
	}
	noise := make([]byte, 300)
	for i := range 6 { // entry 0 is too old, the others are used one hour after the other
		for j := range noise {
			noise[j] = byte(j * (i + 7) * 31)
		}
		sum := sha256.Sum256(noise)
		key := keyOf(fmt.Sprint(i))
		if err := cache.Put(key, slices.Concat(noise, sum[:])); err != nil {
			t.Fatal(err)
		}
		used := time.Now().Add(time.Duration(i-10) * time.Hour)
		if i == 0 {
			used = used.Add(-72 * time.Hour)
		}
		if err := os.Chtimes(cache.file(key), used, used); err != nil {
			t.Fatal(err)
		}
	}
	if err := cache.Trim(); err != nil {
		t.Fatal(err)
	}
	var total int64
	var left []int
	for i := range 6 {
		if info, err := os.Stat(cache.file(keyOf(fmt.Sprint(i)))); err == nil {
			left, total = append(left, i), total+info.Size()
		}
	}
	if total > 1000 || len(left) == 0 || left[len(left)-1] != 5 || slices.Contains(left, 0) || !slices.IsSorted(left) || left[0] != 6-len(left) {
		t.Errorf("left are %v, %d bytes", left, total)
	}
	if _, err := os.Stat(foreign); err != nil {
		t.Errorf("a file that is no entry was removed: %v", err)
	}
}

// TestCacheTogether has many writers and readers of the same entries: each finds all of one, or nothing.
func TestCacheTogether(t *testing.T) {
	cache := openCache(t, CacheOptions{})
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for i := range 40 {
				name := fmt.Sprint((i + worker) % 5)
				content := []byte(strings.Repeat(name, 2000))
				if err := cache.Put(keyOf(name), content); err != nil {
					t.Error(err)
				}
				if got, ok := cache.Get(keyOf(name)); ok && !bytes.Equal(got, content) {
					t.Errorf("%s is %.20q", name, got)
				}
				if i%20 == 0 {
					if err := cache.Trim(); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	all.Wait()
}

// rendered renders through a cache, as the program does; hit says that nothing was rendered.
func rendered(t *testing.T, pool *Pool, cache *Cache, tree *testTree, target plan.Target) (r Result, hit, stored bool) {
	t.Helper()
	graph, err := plan.Build(tree, plan.NewMemo())
	if err != nil {
		t.Fatal(err)
	}
	sources, ok := SourcesOf(tree, target, graph.TargetClosure(target), pool.options)
	if ok {
		if r, ok := cache.Remembered(sources); ok {
			return r, true, false
		}
	}
	if r, err = pool.Render(t.Context(), tree, target); err != nil {
		t.Fatal(err)
	}
	if ok {
		if stored, err = cache.Remember(sources, r); err != nil {
			t.Fatal(err)
		}
	}
	return r, false, stored
}

// TestRememberOnCorpora renders every kustomization of a corpus twice: the second time, all that can be stored comes
// from the cache, and is the same.
func TestRememberOnCorpora(t *testing.T) {
	for _, name := range []string{"podinfo-deploy", "nexodus", "storetheindex"} {
		fsys := os.DirFS(corpus(t, name))
		pool, cache, tree := newPool(t, Options{}), openCache(t, CacheOptions{}), newTestTree(fsys)
		hits, failed, secrets, uncovered := 0, 0, 0, 0
		for _, dir := range kustomizations(t, fsys) {
			first, hit, stored := rendered(t, pool, cache, tree, target(dir))
			if hit {
				t.Errorf("%s/%s: it is known before it was rendered", name, dir)
			}
			second, hit, _ := rendered(t, pool, cache, tree, target(dir))
			switch {
			case first.Failed:
				failed++
			case holdsSecret(first.Objects):
				secrets++
			case !stored:
				uncovered++
				t.Logf("%s/%s: the graph does not cover it", name, dir)
			default:
				hits++
			}
			if hit != stored {
				t.Errorf("%s/%s: stored %t, found %t", name, dir, stored, hit)
			}
			if summary(first) != summary(second) || !bytes.Equal(first.Manifest, second.Manifest) {
				t.Errorf("%s/%s: remembered as\n%s\ninstead of\n%s", name, dir, summary(second), summary(first))
			}
		}
		t.Logf("%s: %d remembered, %d failed, %d with Secrets, %d not covered by the graph", name, hits, failed, secrets, uncovered)
		if uncovered > hits/20 {
			t.Errorf("%s: %d of %d results are not covered by the graph", name, uncovered, hits+uncovered)
		}
		entries, _ := filepath.Glob(filepath.Join(cache.dir, cacheEntries, "*", "*"))
		for _, file := range entries {
			content, _ := os.ReadFile(file)
			if plainText, _ := cache.decoder.DecodeAll(content[len(cacheMagic)+sha256.Size:], nil); bytes.Contains(plainText, []byte("kind: Secret\n")) {
				t.Errorf("%s: a Secret is in %s", name, file)
			}
		}
	}
}

// TestRememberNothingStale changes, adds and removes every path of the feature fixtures in turn: what comes from the
// cache is always what rendering gives.
func TestRememberNothingStale(t *testing.T) {
	pool := newPool(t, Options{Workers: 1})
	for _, f := range fixtures(t, "features/*.txtar") {
		cache := openCache(t, CacheOptions{})
		r, _, stored := rendered(t, pool, cache, newTestTree(f.files), f.target)
		if holdsSecret(r.Objects) {
			continue
		}
		if !stored {
			t.Errorf("%s: its result is not stored", f.name())
		}
		if _, hit, _ := rendered(t, pool, cache, newTestTree(with(f.files, "elsewhere/file", "x")), f.target); !hit {
			t.Errorf("%s: an unrelated file makes it render again", f.name())
		}
		check := func(what string, files fstest.MapFS) {
			t.Helper()
			tree := newTestTree(files)
			graph, err := plan.Build(tree, plan.NewMemo())
			if err != nil {
				t.Fatal(err)
			}
			sources, _ := SourcesOf(tree, f.target, graph.TargetClosure(f.target), pool.options)
			got, hit := cache.Remembered(sources)
			if !hit {
				return
			}
			want, err := pool.Render(t.Context(), tree, f.target)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Manifest, want.Manifest) || got.Failed != want.Failed || got.Findings.String() != want.Findings.String() {
				t.Errorf("%s: %s: remembered is\n%s\ninstead of\n%s", f.name(), what, got.Manifest, want.Manifest)
			}
		}
		for name, file := range f.files {
			without := maps.Clone(f.files)
			delete(without, name)
			check("without "+name, without)
			if file.Mode&fs.ModeSymlink == 0 {
				changed := maps.Clone(f.files)
				changed[name] = &fstest.MapFile{Data: bytes.ReplaceAll(file.Data, []byte("a"), []byte("b"))}
				check("with another "+name, changed)
			}
		}
		check("with a second kustomization", with(f.files, filepath.Join(f.target.Dir, "Kustomization"), "resources: []\n"))
	}
}

func with(files fstest.MapFS, name, content string) fstest.MapFS {
	files = maps.Clone(files)
	files[name] = &fstest.MapFile{Data: []byte(content)}
	return files
}

// TestNoSecretIsStored renders Secrets in every form.
func TestNoSecretIsStored(t *testing.T) {
	pool, cache := newPool(t, Options{Workers: 1}), openCache(t, CacheOptions{})
	for name, files := range map[string]fstest.MapFS{
		"plain":     {"app/kustomization.yaml": {Data: []byte("resources: [s.yaml]\n")}, "app/s.yaml": {Data: []byte("apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n")}},
		"generated": {"app/kustomization.yaml": {Data: []byte("secretGenerator: [{name: s, literals: [a=b]}]\n")}},
	} {
		if r, _, stored := rendered(t, pool, cache, newTestTree(files), target("app")); stored || r.Failed {
			t.Errorf("%s: stored %t, %s", name, stored, r.Findings)
		}
	}
	if _, _, stored := rendered(t, pool, cache, newTestTree(oneObject), target("app")); !stored {
		t.Error("what holds no Secret is not stored either")
	}
}

func FuzzRemembered(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x02{}"))
	f.Add([]byte("\xff\xff\xff\xff"))
	f.Add([]byte("\x00\x00\x00\x19{\"Objects\":[{\"Size\":100}]}abc"))
	cache := openCache(f, CacheOptions{})
	f.Fuzz(func(t *testing.T, content []byte) {
		if err := cache.Put(Key{}, content); err != nil {
			t.Fatal(err)
		}
		r, ok := cache.Remembered(Sources{})
		if n := 0; ok {
			for _, o := range r.Objects {
				n += len(o.Text)
			}
			if n > len(r.Manifest) {
				t.Errorf("objects of %d bytes in a manifest of %d", n, len(r.Manifest))
			}
		}
	})
}
