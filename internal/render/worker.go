package render

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"math"
	"net/http"
	"os"
	"runtime"
)

// marker is the argument that makes this program a worker.
const marker = "__render-worker"

// IsWorker reports whether a program with these arguments (os.Args) was started as a worker and must call [Worker]
// before it does anything else.
func IsWorker(args []string) bool { return len(args) == 2 && args[1] == marker }

// lastResort is the real standard error. The runtime writes its last words to the descriptor, which would be closed
// with the file if nothing held it.
var lastResort = os.Stderr

// Worker renders what the pool on the other end of stdin and stdout asks for. It confines the process first, for
// good, and ends it when stdin ends, even amid a target: a worker does not outlive its pool. It returns an error when
// the pool breaks the protocol.
func Worker(stdin io.Reader, stdout io.Writer) error {
	defer runtime.KeepAlive(lastResort)
	log.SetOutput(io.Discard)
	if null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0); err == nil {
		os.Stderr = null // kustomize prints warnings there
	}
	http.DefaultTransport = noNetwork{}
	w := &worker{stream: newStream(stdin, stdout), frames: make(chan frame)}
	go w.receive()
	hello := <-w.frames
	var limits helloMessage
	if err := json.Unmarshal(hello.payload, &limits); err != nil || hello.kind != frameHello {
		return fmt.Errorf("the pool did not say hello: %w", err)
	}
	protections := confine(limits.Memory)
	tuneMemory(limits.Memory)
	if err := w.stream.writeJSON(frameReady, readyMessage{Protections: protections}); err != nil {
		return err
	}
	warm()
	return w.serve(limits.MaxOutput)
}

// noNetwork is the transport of a process without network.
type noNetwork struct{}

func (noNetwork) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("there is no network here")
}

type worker struct {
	stream *stream
	frames chan frame // from the pool
	store  *store
}

// receive reads what the pool sends, all the time, so as to notice its end.
func (w *worker) receive() {
	for {
		// The pool is trusted with the size of what it sends.
		next, err := w.stream.read(func(frameKind) int64 { return math.MaxUint32 })
		if err != nil {
			os.Exit(0)
		}
		w.frames <- next
	}
}

func (w *worker) serve(maxOutput int64) error {
	store := newStore(w.ask)
	w.store = store
	for next := range w.frames {
		var job jobMessage
		if err := json.Unmarshal(next.payload, &job); err != nil || next.kind != frameJob {
			return fmt.Errorf("a frame %q where a job was expected: %w", next.kind, err)
		}
		before, _ := spent()
		meta, output, err := build(store, job, maxOutput)
		if err != nil {
			return err
		}
		meta.CPU, meta.Memory = spent()
		meta.CPU -= before
		if err := w.stream.writeJSON(frameMeta, meta); err != nil {
			return err
		}
		if err := w.stream.write(frameOutput, output); err != nil {
			return err
		}
	}
	return nil
}

// ask gets something of the tree from the pool, and takes in what comes ahead of the answer.
func (w *worker) ask(kind frameKind, name string) (frame, error) {
	if err := w.stream.write(kind, []byte(name)); err != nil {
		return frame{}, err
	}
	reply := <-w.frames
	if reply.kind != frameAhead {
		return reply, nil
	}
	if err := w.store.learn(reply.payload); err != nil {
		return frame{}, err
	}
	return <-w.frames, nil
}
