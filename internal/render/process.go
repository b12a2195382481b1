package render

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/exec"
	"path"
	"strings"
	"sync"
	"time"

	"sigs.k8s.io/kustomize/api/konfig"

	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
	"github.com/sluice-dev/sluice/internal/plan"
)

// startTimeout bounds how long a worker may take to say that it is ready.
const startTimeout = 30 * time.Second

// process is one worker process, seen from the pool.
type process struct {
	options Options
	command *exec.Cmd
	stdin   io.Closer
	stream  *stream
	stderr  *lastWords
	once    sync.Once

	ahead       ahead
	tree        string   // the one that it serves; "" while it has served none
	protections []string // what the worker says holds it back
}

func startProcess(program []string, options Options) (*process, error) {
	command := exec.Command(program[0], program[1:]...)
	command.Env = []string{} // not nil: nil would be this process's own
	command.Dir = "/"
	command.WaitDelay = time.Second
	stdin, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p := &process{options: options, command: command, stdin: stdin, stream: newStream(stdout, stdin), stderr: &lastWords{}}
	command.Stderr = p.stderr
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("start a render worker: %w", err)
	}
	timer := time.AfterFunc(startTimeout, p.kill)
	defer timer.Stop()
	ready, err := p.greet()
	if err != nil {
		p.stop()
		return nil, fmt.Errorf("start a render worker: %w%s", err, p.stderr.suffix())
	}
	p.protections = ready.Protections
	return p, nil
}

func (p *process) greet() (ready readyMessage, err error) {
	if err := p.stream.writeJSON(frameHello, helloMessage{Memory: p.options.Memory, MaxOutput: p.options.MaxOutput}); err != nil {
		return ready, err
	}
	answer, err := p.stream.read(p.limit)
	if err != nil {
		return ready, err
	}
	if answer.kind != frameReady {
		return ready, fmt.Errorf("it said %q before it was ready", answer.kind)
	}
	return ready, json.Unmarshal(answer.payload, &ready)
}

// limit bounds what a worker may send.
func (p *process) limit(kind frameKind) int64 {
	switch kind {
	case frameDir, frameFile, frameLink, frameRemote, frameChart:
		return maxPath
	case frameMeta:
		return maxMeta
	case frameOutput:
		return p.options.MaxOutput
	case frameReady:
		return 4 << 10
	default:
		return -1
	}
}

func (p *process) kill() { _ = p.command.Process.Kill() }

// stop ends the process and waits for it.
func (p *process) stop() {
	p.once.Do(func() {
		p.kill()
		p.stdin.Close()
		_ = p.command.Wait() // it was killed: how it ended says nothing
	})
}

// render has the worker render one target. Unless it is reusable afterwards, the process must be stopped.
func (p *process) render(ctx context.Context, tree Tree, target plan.Target) (result Result, reusable bool, err error) {
	deadline := time.AfterFunc(p.options.Timeout, p.kill)
	defer context.AfterFunc(ctx, p.kill)()
	began := time.Now()
	rootOID, _ := tree.OID(".")
	job := jobMessage{ID: target.ID, Dir: target.Dir, Kind: target.Kind, RootOID: rootOID, RootOnly: p.options.LoadRestrictor == RootOnly, Helm: p.options.Helm}
	lender := &lender{options: p.options, own: tree, lent: map[string]Tree{}}
	var paused time.Duration
	lender.pause = func() (resume func()) {
		stopped := time.Now()
		left := p.options.Timeout - (stopped.Sub(began) - paused)
		if !deadline.Stop() {
			return func() {}
		}
		return func() {
			paused += time.Since(stopped)
			deadline.Reset(max(left, time.Millisecond))
		}
	}
	meta, output, machinery, err := p.converse(ctx, lender, job)
	late := !deadline.Stop()
	switch {
	case machinery != nil || ctx.Err() != nil:
		return Result{}, false, machinery
	case late:
		return broken(tree, target, "render/timeout", "this target did not render within %s, and was stopped: look for aliases, lists or bases that multiply, or raise the setting render.timeout", p.options.Timeout), false, nil
	case err != nil:
		p.stop() // so that its last words are complete
		return p.died(tree, target, err), false, nil
	}
	result, err = assemble(meta, output)
	if err != nil {
		p.options.Log.Debug("render worker lied", slog.String("target", target.ID), slog.Any("error", err))
		return broken(tree, target, "render/panic", "the render worker gave an answer that makes no sense, and was stopped"), false, nil
	}
	result.Cost = Cost{Wall: time.Since(began), CPU: meta.CPU, Memory: meta.Memory}
	p.options.Log.Debug("rendered", slog.String("target", target.ID), slog.Int("objects", len(result.Objects)), slog.Duration("took", time.Since(began)))
	return result, !meta.Retire, nil
}

// converse sends a job and answers the worker's questions until it has its result.
func (p *process) converse(ctx context.Context, trees *lender, job jobMessage) (meta metaMessage, output []byte, machinery, err error) {
	if err := p.stream.writeJSON(frameJob, job); err != nil {
		return meta, nil, nil, err
	}
	for {
		request, err := p.stream.read(p.limit)
		if err != nil {
			return meta, nil, nil, err
		}
		switch request.kind {
		case frameDir, frameFile, frameLink:
			reply, machinery := trees.answer(request)
			if machinery != nil {
				return meta, nil, machinery, nil
			}
			if records := trees.ahead(request, &p.ahead); len(records) > 0 {
				if err := p.stream.append(frameAhead, records); err != nil {
					return meta, nil, nil, err
				}
			}
			if err := p.stream.write(reply.kind, reply.payload); err != nil {
				return meta, nil, nil, err
			}
		case frameRemote, frameChart:
			reply := trees.fetch(ctx, request)
			if err := p.stream.write(reply.kind, reply.payload); err != nil {
				return meta, nil, nil, err
			}
		case frameMeta:
			if err := json.Unmarshal(request.payload, &meta); err != nil {
				return meta, nil, nil, err
			}
			last, err := p.stream.read(p.limit)
			if err == nil && last.kind != frameOutput {
				err = fmt.Errorf("a frame %q where the manifest was expected", last.kind)
			}
			return meta, last.payload, nil, err
		default:
			return meta, nil, nil, fmt.Errorf("a frame %q amid a job", request.kind)
		}
	}
}

// assemble turns a worker's answer into a result, and checks that its parts fit.
func assemble(meta metaMessage, output []byte) (Result, error) {
	result := Result{Manifest: output, Findings: meta.Findings, Failed: meta.Failed, Inputs: meta.Inputs, Remotes: meta.Remotes}
	at, line := 0, 1
	for i, message := range meta.Objects {
		if i > 0 {
			if !bytes.HasPrefix(output[at:], []byte(separator)) {
				return Result{}, errors.New("objects are not separated")
			}
			at, line = at+len(separator), line+1
		}
		if message.Size < 0 || message.Size > len(output)-at {
			return Result{}, errors.New("objects exceed the manifest")
		}
		text := output[at : at+message.Size : at+message.Size]
		result.Objects = append(result.Objects, &manifest.Object{
			ID: message.ID, Version: message.Version, Text: text, Line: line, Origin: message.Origin,
		})
		at, line = at+message.Size, line+bytes.Count(text, []byte("\n"))
	}
	if at != len(output) {
		return Result{}, errors.New("the manifest exceeds its objects")
	}
	return result, nil
}

// died says why a worker ended amid a target.
func (p *process) died(tree Tree, target plan.Target, cause error) Result {
	words := p.stderr.String()
	p.options.Log.Debug("render worker died", slog.String("target", target.ID), slog.Any("error", cause), slog.String("stderr", words), slog.String("state", p.command.ProcessState.String()))
	if strings.Contains(words, "out of memory") || strings.Contains(words, "cannot allocate memory") {
		return broken(tree, target, "render/memory", "this target needs more than %d MiB to render, and was stopped: look for aliases, lists or bases that multiply, or raise the setting render.memory", p.options.Memory>>20)
	}
	return broken(tree, target, "render/panic", "the render worker ended amid this target: kustomize crashed on it")
}

// broken is the result of a target that could not be finished. The finding stands at its kustomization, where it has one.
func broken(tree Tree, target plan.Target, rule, format string, args ...any) Result {
	at := finding.Pos{File: target.Dir}
	for _, name := range konfig.RecognizedKustomizationFileNames() {
		if _, err := tree.Lstat(path.Join(target.Dir, name)); err == nil {
			at.File = path.Join(target.Dir, name)
			break
		}
	}
	return Result{Failed: true, Findings: finding.List{problem(rule, at, format, args...)}}
}

// lastWords keeps the beginning of what a worker's runtime writes as it dies.
type lastWords struct {
	mu   sync.Mutex
	text []byte
}

func (l *lastWords) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	const most = 8 << 10
	l.text = append(l.text, p[:min(len(p), max(0, most-len(l.text)))]...)
	return len(p), nil
}

func (l *lastWords) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}

func (l *lastWords) suffix() string {
	if words := strings.TrimSpace(l.String()); words != "" {
		return fmt.Sprintf(" (it wrote %q)", words)
	}
	return ""
}
