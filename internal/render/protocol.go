package render

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"time"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
)

// The protocol between pool and worker, over the worker's standard input and output. A frame is one byte of kind,
// four of length (big-endian) and the payload. The pool sends hello once and a job per target; while it works on a
// job, the worker asks for directories, files and links of the tree, one at a time, and ends with meta and output.
// The pool treats all a worker says as untrusted.
type frameKind byte

const (
	// from the pool
	frameHello   frameKind = 'h' // helloMessage
	frameJob     frameKind = 'j' // jobMessage
	frameEntries frameKind = 'e' // []entry
	frameContent frameKind = 'c' // bytes of a file, or the destination of a link
	frameRefused frameKind = 'x' // the reason, one of the refusals below
	frameAhead   frameKind = 'a' // records of an ahead; an answer follows

	// from the worker
	frameReady  frameKind = 'R' // readyMessage
	frameDir    frameKind = 'D' // path
	frameFile   frameKind = 'F' // path
	frameLink   frameKind = 'L' // path
	frameRemote frameKind = 'T' // remoteRef; answered with remoteReply as content, or refused
	frameChart  frameKind = 'H' // Chart, without a digest; answered with its name, a newline and its archive, or refused
	frameMeta   frameKind = 'M' // metaMessage
	frameOutput frameKind = 'O' // the manifest
)

// Why the pool does not give what was asked for.
const (
	refusedAbsent   = "absent"
	refusedTooLarge = "too large"
	refusedBroken   = "broken" // the pool could not read its own tree; it reports that itself
)

const (
	maxPath  = 4 << 10  // bytes of a path in a request
	maxMeta  = 16 << 20 // bytes of a result without its manifest
	maxInput = 16 << 20 // bytes of one file of the tree: the largest CRD bundles have 5 MB
)

type helloMessage struct {
	Memory    int64
	MaxOutput int64
}

type readyMessage struct {
	Protections []string // what holds this worker back, for the log
}

type jobMessage struct {
	ID       string
	Dir      string
	Kind     config.Kind
	RootOID  string // of the tree; "" when it has none
	RootOnly bool
	Helm     bool // charts of the tree are rendered
}

type metaMessage struct {
	Objects  []objectMessage
	Findings finding.List
	Failed   bool
	Inputs   []Input
	Remotes  []string // host/org/repo@commit, and charts
	CPU      time.Duration
	Memory   int64 // see Cost
	Retire   bool  // the worker's process must not render another target
}

type objectMessage struct {
	ID      manifest.ID
	Version string
	Origin  manifest.Origin
	Size    int // bytes of its text
}

type entryMode byte

const (
	modeFile      entryMode = 'f'
	modeDirectory entryMode = 'd'
	modeLink      entryMode = 'l'
	modeOther     entryMode = 'o' // a submodule
)

// entry is one entry of a directory.
type entry struct {
	Name string    `json:"n"`
	Mode entryMode `json:"m"`
	OID  string    `json:"o,omitempty"`
}

type frame struct {
	kind    frameKind
	payload []byte
}

// stream reads and writes frames.
type stream struct {
	in  *bufio.Reader
	out *bufio.Writer
}

func newStream(in io.Reader, out io.Writer) *stream {
	return &stream{in: bufio.NewReaderSize(in, 64<<10), out: bufio.NewWriterSize(out, 64<<10)}
}

// read returns the next frame; one whose payload exceeds what limit allows for its kind is an error.
func (s *stream) read(limit func(frameKind) int64) (frame, error) {
	var head [5]byte
	if _, err := io.ReadFull(s.in, head[:]); err != nil {
		return frame{}, err
	}
	kind, size := frameKind(head[0]), int64(binary.BigEndian.Uint32(head[1:]))
	if most := limit(kind); size > most {
		return frame{}, fmt.Errorf("a frame %q of %d bytes, where at most %d are allowed", kind, size, most)
	}
	payload := make([]byte, size)
	if _, err := io.ReadFull(s.in, payload); err != nil {
		return frame{}, fmt.Errorf("a frame %q that ends early: %w", kind, noEOF(err))
	}
	return frame{kind, payload}, nil
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (s *stream) write(kind frameKind, payload []byte) error {
	if err := s.append(kind, payload); err != nil {
		return err
	}
	return s.out.Flush()
}

// append writes a frame that goes out with the next one.
func (s *stream) append(kind frameKind, payload []byte) error {
	var head [5]byte
	head[0] = byte(kind)
	binary.BigEndian.PutUint32(head[1:], uint32(len(payload)))
	if _, err := s.out.Write(head[:]); err != nil {
		return err
	}
	_, err := s.out.Write(payload)
	return err
}

func (s *stream) writeJSON(kind frameKind, message any) error {
	payload, err := json.Marshal(message)
	if err != nil {
		return err
	}
	return s.write(kind, payload)
}

// answer gives the worker what it asks for; machinery is the error of a tree that cannot be read.
func answer(tree Tree, request frame) (reply frame, machinery error) {
	name := string(request.payload)
	if !fs.ValidPath(name) {
		return frame{frameRefused, []byte(refusedAbsent)}, nil
	}
	switch request.kind {
	case frameDir:
		entries, err := listing(tree, name)
		if err != nil {
			return refusal(name, err)
		}
		payload, err := json.Marshal(entries)
		return frame{frameEntries, payload}, err
	case frameLink:
		destination, err := tree.ReadLink(name)
		if err != nil {
			return refusal(name, err)
		}
		return frame{frameContent, []byte(destination)}, nil
	default:
		info, err := tree.Lstat(name)
		if err != nil {
			return refusal(name, err)
		}
		if info.Size() > maxInput {
			return frame{frameRefused, []byte(refusedTooLarge)}, nil
		}
		content, err := tree.ReadFile(name)
		if err != nil {
			return refusal(name, err)
		}
		if len(content) > maxInput {
			return frame{frameRefused, []byte(refusedTooLarge)}, nil
		}
		return frame{frameContent, content}, nil
	}
}

func refusal(name string, err error) (frame, error) {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) {
		return frame{frameRefused, []byte(refusedAbsent)}, nil
	}
	return frame{frameRefused, []byte(refusedBroken)}, fmt.Errorf("read %s: %w", name, err)
}

func listing(tree Tree, dir string) ([]entry, error) {
	listed, err := tree.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	entries := make([]entry, 0, len(listed))
	for _, e := range listed {
		oid, _ := tree.OID(path.Join(dir, e.Name()))
		entries = append(entries, entry{Name: e.Name(), Mode: modeOf(e.Type()), OID: oid})
	}
	return entries, nil
}

func modeOf(mode fs.FileMode) entryMode {
	switch {
	case mode.IsRegular():
		return modeFile
	case mode.IsDir():
		return modeDirectory
	case mode&fs.ModeSymlink != 0:
		return modeLink
	default:
		return modeOther
	}
}
