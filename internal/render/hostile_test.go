package render

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
)

const hostileMarker = "__hostile-worker"

// hostile is a worker that kustomize has lost control of. It runs in the test binary, as workers do.
func hostile(behaviour string, stdin io.Reader, stdout io.Writer) {
	s := newStream(stdin, stdout)
	any := func(frameKind) int64 { return 1 << 30 }
	s.read(any)
	if behaviour == "confined" {
		protections := confine(DefaultMemory)
		s.writeJSON(frameReady, readyMessage{protections})
	} else {
		s.writeJSON(frameReady, readyMessage{})
	}
	s.read(any)
	switch behaviour {
	case "hang":
		select {}
	case "exit":
		os.Exit(3)
	case "crash":
		go func() { panic("beyond recovery") }()
		select {}
	case "spin":
		for {
			runtime.Gosched()
		}
	case "junk":
		io.WriteString(stdout, strings.Repeat("junk", 1000))
	case "flood": // a frame of 4 GiB
		stdout.Write([]byte{byte(frameMeta), 0xff, 0xff, 0xff, 0xff})
		io.WriteString(stdout, strings.Repeat("x", 1<<20))
	case "json":
		s.write(frameMeta, []byte(`{"Objects": 7}`))
	case "sizes":
		s.writeJSON(frameMeta, metaMessage{Objects: []objectMessage{{Size: -1}, {Size: 1 << 40}}})
		s.write(frameOutput, []byte("x"))
	case "extra":
		s.writeJSON(frameMeta, metaMessage{Objects: []objectMessage{{Size: 2}}})
		s.write(frameOutput, []byte("a\nb\n"))
	case "memory":
		var kept [][]byte
		for {
			block := make([]byte, 16<<20)
			for i := range block {
				block[i] = 1
			}
			kept = append(kept, block)
			runtime.KeepAlive(kept)
		}
	case "read": // asks for what it must not get
		var got []string
		for _, name := range []string{"../secret", "/etc/passwd", "a/../../secret", "", "a\x00b", strings.Repeat("a/", 1000) + "a"} {
			for _, kind := range []frameKind{frameDir, frameFile, frameLink} {
				s.write(kind, []byte(name))
				if reply, _ := s.read(any); reply.kind != frameRefused || string(reply.payload) != refusedAbsent {
					got = append(got, fmt.Sprintf("%c %q: %c %q", kind, name, reply.kind, reply.payload))
				}
			}
		}
		reply(s, got)
	case "environment":
		got := os.Environ()
		environ, _ := os.ReadFile("/proc/self/environ")
		got = append(got, strings.Split(strings.Trim(string(environ), "\x00"), "\x00")...)
		reply(s, slices.DeleteFunc(got, func(s string) bool { return s == "" }))
	case "confined":
		reply(s, breakouts())
	}
}

func reply(s *stream, got []string) {
	var meta metaMessage
	for _, g := range got {
		meta.Findings = append(meta.Findings, finding.Finding{Message: g})
	}
	s.writeJSON(frameMeta, meta)
	s.write(frameOutput, nil)
}

// breakouts tries what a confined process must not be able to do, and says what worked.
func breakouts() (worked []string) {
	attempt := func(name string, err error) {
		if err == nil {
			worked = append(worked, name)
		}
	}
	_, err := os.ReadFile("/proc/self/environ")
	attempt("read /proc/self/environ", err)
	_, err = os.ReadFile("/etc/passwd")
	attempt("read /etc/passwd", err)
	attempt("write a file", os.WriteFile(filepath.Join(os.TempDir(), "sluice-breakout"), []byte("x"), 0o600))
	attempt("run a program", exec.Command("/bin/true").Run())
	// Nothing listens there: what counts is who refuses.
	if _, err = net.Dial("tcp", "127.0.0.1:9"); !errors.Is(err, fs.ErrPermission) {
		worked = append(worked, fmt.Sprintf("connect (%v)", err))
	}
	for _, address := range []struct{ network, address string }{{"udp", "127.0.0.1:0"}, {"tcp", "127.0.0.1:0"}, {"unix", "@sluice"}, {"unixgram", "@sluice"}} {
		if packets, err := net.ListenPacket(address.network, address.address); err == nil {
			packets.Close()
			worked = append(worked, "receive packets by "+address.network)
		}
		if listener, err := net.Listen(address.network, address.address); err == nil {
			listener.Close()
			worked = append(worked, "listen by "+address.network)
		}
	}
	if _, err = net.Dial("udp", "127.0.0.1:9"); !errors.Is(err, fs.ErrPermission) {
		worked = append(worked, fmt.Sprintf("send packets (%v)", err))
	}
	if parent, err := os.FindProcess(os.Getppid()); err == nil {
		attempt("signal its parent", parent.Signal(syscall.Signal(0)))
	}
	for fd := 3; fd < 100; fd++ {
		content, err := io.ReadAll(io.LimitReader(os.NewFile(uintptr(fd), "inherited"), 100))
		if err == nil && strings.Contains(string(content), "secret") {
			worked = append(worked, fmt.Sprintf("read the inherited descriptor %d", fd))
		}
	}
	return worked
}

func hostilePool(t *testing.T, behaviour string, options Options) *Pool {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	options.Program = []string{self, hostileMarker, behaviour}
	options.Workers = 1
	return newPool(t, options)
}

var oneObject = fstest.MapFS{
	"app/kustomization.yaml": {Data: []byte("resources: [cm.yaml]\n")},
	"app/cm.yaml":            {Data: []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n")},
}

// TestHostileWorkers lets workers misbehave: each time the target fails with a finding, and the next is rendered by
// another process.
func TestHostileWorkers(t *testing.T) {
	for behaviour, rule := range map[string]string{
		"hang": "render/timeout", "spin": "render/timeout", "exit": "render/panic", "crash": "render/panic", "junk": "render/panic",
		"flood": "render/panic", "json": "render/panic", "sizes": "render/panic", "extra": "render/panic",
	} {
		t.Run(behaviour, func(t *testing.T) {
			t.Parallel()
			options := Options{Timeout: 20 * time.Second}
			if rule == "render/timeout" {
				options.Timeout = 100 * time.Millisecond
			}
			pool := hostilePool(t, behaviour, options)
			for range 2 {
				result, err := pool.Render(t.Context(), newTestTree(oneObject), target("app"))
				if err != nil {
					t.Fatal(err)
				}
				if !result.Failed || len(result.Findings) != 1 || result.Findings[0].Rule != rule || result.Findings[0].File != "app/kustomization.yaml" {
					t.Errorf("got %+v, want a failure by %s", result, rule)
				}
			}
			if len(pool.idle) != 0 {
				t.Error("the worker is kept for the next target")
			}
		})
	}
}

func TestHostileWorkerGetsNothing(t *testing.T) {
	t.Setenv("GITHUB_TOKEN", "secret")
	for _, behaviour := range []string{"read", "environment"} {
		result, err := hostilePool(t, behaviour, Options{}).Render(t.Context(), newTestTree(oneObject), target("app"))
		if err != nil || result.Failed {
			t.Fatal(err, result.Findings)
		}
		for _, got := range result.Findings {
			t.Errorf("%s: the worker got %s", behaviour, got.Message)
		}
	}
}

func TestConfinement(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux confines workers")
	}
	secret, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(secret, "secret")
	secret.Seek(0, io.SeekStart)
	leak(t, secret)
	pool := hostilePool(t, "confined", Options{})
	worker, err := pool.acquire(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	result, _, err := worker.render(t.Context(), newTestTree(oneObject), target("app"))
	pool.discard(worker)
	if err != nil || result.Failed {
		t.Fatal(err, result.Findings)
	}
	if !slices.Contains(worker.protections, "landlock") || !slices.Contains(worker.protections, "seccomp") {
		t.Skipf("this kernel has no Landlock or no seccomp (active: %q)", worker.protections)
	}
	for _, got := range result.Findings {
		t.Errorf("the worker could %s", got.Message)
	}
}

// TestMemoryLimit has the kernel refuse memory to a worker.
func TestMemoryLimit(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux bounds the memory of workers")
	}
	var list strings.Builder
	list.WriteString("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: [0")
	for list.Len() < 3<<20 {
		list.WriteString(",1")
	}
	list.WriteString("]\n")
	tree := newTestTree(fstest.MapFS{
		"app/kustomization.yaml":  {Data: []byte("resources: [big.yaml]\n")},
		"app/big.yaml":            {Data: []byte(list.String())},
		"good/kustomization.yaml": {Data: []byte("resources: [cm.yaml]\n")},
		"good/cm.yaml":            oneObject["app/cm.yaml"],
	})
	pool := newPool(t, Options{Workers: 1, Memory: 64 << 20})
	result, err := pool.Render(t.Context(), tree, target("app"))
	if err != nil || !result.Failed || result.Findings[0].Rule != "render/memory" {
		t.Errorf("%v: got %s, want render/memory", err, result.Findings)
	}
	if result, err := pool.Render(t.Context(), tree, target("good")); err != nil || result.Failed {
		t.Errorf("the next target fails: %v %s", err, result.Findings)
	}
}

func TestLimits(t *testing.T) {
	large := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {a: " + strings.Repeat("x", 17<<20) + "}\n"
	tree := newTestTree(fstest.MapFS{
		"large/kustomization.yaml":     {Data: []byte("resources: [cm.yaml]\n")},
		"large/cm.yaml":                {Data: []byte(large)},
		"generator/kustomization.yaml": {Data: []byte("configMapGenerator: [{name: x, files: [file]}]\n")},
		"generator/file":               {Data: []byte(large)},
		"output/kustomization.yaml":    {Data: []byte("resources: [cm.yaml]\n")},
		"output/cm.yaml":               {Data: []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {a: " + strings.Repeat("x", 1<<20) + "}\n")},
	})
	pool := newPool(t, Options{Workers: 1, MaxOutput: 1 << 20})
	for _, dir := range []string{"large", "generator", "output"} {
		result, err := pool.Render(t.Context(), tree, target(dir))
		if err != nil || !result.Failed || result.Findings[0].Rule != "render/too-large" {
			t.Errorf("%s: %v: got %s, want render/too-large", dir, err, result.Findings)
		}
	}
}

func TestWorkerHasNoNetwork(t *testing.T) {
	client := &http.Client{Transport: noNetwork{}}
	if _, err := client.Get("http://127.0.0.1:1/"); err == nil || !strings.Contains(err.Error(), "no network") {
		t.Errorf("got %v", err)
	}
}

// TestCancel ends the context amid a target: the worker is killed and the context's error returned.
func TestCancel(t *testing.T) {
	pool := hostilePool(t, "spin", Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := pool.Render(ctx, newTestTree(oneObject), target("app")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// TestClose closes a pool with idle, busy and waiting workers: no process is left.
func TestClose(t *testing.T) {
	for _, behaviour := range []string{"", "hang"} {
		var pool *Pool
		if behaviour == "" {
			pool = newPool(t, Options{Workers: 2})
			pool.Warm(2)
		} else {
			pool = hostilePool(t, behaviour, Options{})
		}
		failures := make(chan error)
		for range 4 {
			go func() {
				_, err := pool.Render(t.Context(), newTestTree(oneObject), target("app"))
				failures <- err
			}()
		}
		time.Sleep(300 * time.Millisecond)
		pool.Close()
		pool.Close()
		for range 4 {
			if err := <-failures; err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
		}
		if children := workersOf(t, os.Getpid()); len(children) > 0 {
			t.Errorf("%q: processes are left: %q", behaviour, children)
		}
		if _, err := pool.Render(t.Context(), newTestTree(oneObject), target("app")); !errors.Is(err, context.Canceled) {
			t.Errorf("a closed pool renders: %v", err)
		}
	}
}

// workersOf lists the workers among a process's children, on Linux.
func workersOf(t *testing.T, parent int) (children []string) {
	t.Helper()
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range stats {
		content, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(content), ") ")
		var state string
		var of int
		fmt.Sscan(rest, &state, &of)
		command, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "cmdline"))
		if of == parent && (strings.Contains(string(command), marker) || strings.Contains(string(command), hostileMarker)) {
			children = append(children, state+" "+strings.ReplaceAll(string(command), "\x00", " "))
		}
	}
	return children
}

// TestBrokenTree reads a tree that fails: an error of the machinery, not a finding.
func TestBrokenTree(t *testing.T) {
	pool := newPool(t, Options{Workers: 1})
	if _, err := pool.Render(t.Context(), brokenTree{newTestTree(oneObject)}, target("app")); !errors.Is(err, errBroken) {
		t.Errorf("got %v", err)
	}
	if result, err := pool.Render(t.Context(), newTestTree(oneObject), target("app")); err != nil || result.Failed {
		t.Errorf("the next target fails: %v %s", err, result.Findings)
	}
}

var errBroken = errors.New("the disk is gone")

type brokenTree struct{ *testTree }

func (brokenTree) ReadFile(string) ([]byte, error) { return nil, errBroken }

func FuzzAssemble(f *testing.F) {
	good, _ := json.Marshal(metaMessage{Objects: []objectMessage{{ID: manifest.ID{Kind: "A"}, Size: 2}, {Size: 2}}})
	f.Add(good, []byte("a\n---\nb\n"))
	f.Add(good, []byte("a\n"))
	f.Fuzz(func(t *testing.T, encoded, output []byte) {
		var meta metaMessage
		if json.Unmarshal(encoded, &meta) != nil {
			return
		}
		result, err := assemble(meta, output)
		if err != nil {
			return
		}
		var texts []string
		for _, o := range result.Objects {
			texts = append(texts, string(o.Text))
			if line := strings.Count(string(output[:strings.Index(string(output), string(o.Text))]), "\n"); o.Line < line {
				t.Errorf("line %d of %q in %q", o.Line, o.Text, output)
			}
		}
		if strings.Join(texts, separator) != string(output) {
			t.Errorf("%q is not %q", texts, output)
		}
	})
}

// TestWarm starts workers ahead: as many as are wanted, whatever else is going on.
func TestWarm(t *testing.T) {
	pool := newPool(t, Options{Workers: 2})
	for range 3 {
		pool.Warm(5)
		pool.done.Wait()
		if got := len(pool.idle); got != 2 || pool.live != 2 {
			t.Errorf("%d workers idle of %d, want 2 of 2", got, pool.live)
		}
		renderAll(t, pool, newTestTree(oneObject), []string{"app", "app", "app"})
	}
}

// TestWorkersAreWaitedFor renders many targets of two trees at once: a busy worker of a tree is waited for, unless that takes long.
func TestWorkersAreWaitedFor(t *testing.T) {
	pool := newPool(t, Options{Workers: 2})
	base, head := newTestTree(oneObject), newTestTree(fstest.MapFS{"app/cm.yaml": {Data: []byte("x: y\n")}})
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			if _, err := pool.Render(t.Context(), []Tree{base, head}[i%2], target("app")); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if pool.busy != 0 || pool.live != len(pool.idle) || pool.live > 4 || pool.serving[treeIdentity(base)]+pool.serving[treeIdentity(head)] != pool.live {
		t.Errorf("%d workers are busy, %d live, %d idle, serving %v", pool.busy, pool.live, len(pool.idle), pool.serving)
	}
}

// TestOneTreePerWorker renders two trees, and a third: a process that rendered one never renders another, and there are
// at most twice as many as may be busy.
func TestOneTreePerWorker(t *testing.T) {
	pool := newPool(t, Options{Workers: 1})
	trees := make([]*testTree, 3)
	for i := range trees {
		trees[i] = newTestTree(fstest.MapFS{
			"app/kustomization.yaml": {Data: []byte("resources: [cm.yaml]\n")},
			"app/cm.yaml":            {Data: fmt.Appendf(nil, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x%d}\n", i)},
		})
	}
	served := map[int]string{} // process → tree
	for _, i := range []int{0, 1, 0, 1, 1, 0, 2, 1, 0} {
		if result, err := pool.Render(t.Context(), trees[i], target("app")); err != nil || result.Failed {
			t.Fatal(err, result.Findings)
		}
		for _, worker := range pool.idle {
			pid := worker.command.Process.Pid
			if before, ok := served[pid]; ok && before != worker.tree {
				t.Errorf("process %d served %s, and then %s", pid, before, worker.tree)
			}
			served[pid] = worker.tree
		}
		if len(pool.idle) > 2 || pool.live != len(pool.idle) {
			t.Errorf("%d workers are idle, %d live", len(pool.idle), pool.live)
		}
	}
	if len(served) != 5 {
		t.Errorf("%d processes, want one for each of two trees, and a new one for each change beyond", len(served))
	}
}
