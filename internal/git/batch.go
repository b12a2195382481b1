package git

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// MaxBlob is the largest file, in bytes, that is read from a repository. Larger ones fail with ErrTooLarge.
const MaxBlob = 64 << 20

// ErrTooLarge says that a file of the repository is larger than MaxBlob.
var ErrTooLarge = errors.New("the file is larger than 64 MiB, which sluice does not read")

// Small objects are kept once they are read: base and head, the graph, the renderings and the checks ask for the same files.
const (
	keptObject = 256 << 10 // bytes of the largest object that is kept
	keptTotal  = 64 << 20  // bytes of all that are kept; beyond, objects are read anew
)

// batch is one `git cat-file --batch` process that stays: starting git per file would cost more than all else.
type batch struct {
	mu   sync.Mutex
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	err  error // what broke the stream; every later read fails with it
	kept map[string][]byte
	room int // bytes that may still be kept
}

func startBatch(dir string, env []string) (*batch, error) {
	cmd := exec.Command("git", "cat-file", "--batch")
	cmd.Dir, cmd.Env = dir, env
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start git cat-file: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start git cat-file: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start git cat-file: %w", err)
	}
	return &batch{cmd: cmd, in: in, out: bufio.NewReaderSize(out, 64<<10), kept: make(map[string][]byte), room: keptTotal}, nil
}

// Read returns the content of the object with the given id. It is the caller's.
func (b *batch) Read(oid string) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if data, ok := b.kept[oid]; ok {
		return bytes.Clone(data), nil
	}
	if b.err != nil {
		return nil, b.err
	}
	if _, err := io.WriteString(b.in, oid+"\n"); err != nil {
		return nil, fmt.Errorf("read git object %s: %w", oid, b.fail(err))
	}
	data, err := b.answer()
	if err != nil {
		return nil, fmt.Errorf("read git object %s: %w", oid, err)
	}
	if len(data) <= keptObject {
		b.keep(oid, bytes.Clone(data))
	}
	return data, nil
}

// resolve gives the id of the object that an expression names, such as "main^{tree}"; ok is false where it names none, or where that
// cannot be asked here.
func (b *batch) resolve(expression string) (oid string, ok bool) {
	if strings.ContainsAny(expression, " \t\r\n\x00") { // the question is one line, the answer one of three words
		return "", false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return "", false
	}
	if _, err := io.WriteString(b.in, expression+"\n"); err != nil {
		_ = b.fail(err)
		return "", false
	}
	header, err := b.out.ReadString('\n')
	if err != nil {
		_ = b.fail(err)
		return "", false
	}
	fields := strings.Fields(header)
	if len(fields) != 3 {
		return "", false // missing, or ambiguous
	}
	size, err := strconv.ParseInt(fields[2], 10, 64)
	if err == nil {
		_, err = io.CopyN(io.Discard, b.out, size+1)
	}
	if err != nil {
		_ = b.fail(err)
		return "", false
	}
	return fields[0], true
}

// size gives the length of an object's content, 0 where it cannot be read.
func (b *batch) size(oid string) int {
	b.mu.Lock()
	data, ok := b.kept[oid]
	b.mu.Unlock()
	if !ok {
		data, _ = b.Read(oid)
	}
	return len(data)
}

func (b *batch) keep(oid string, data []byte) {
	if len(data) > keptObject || len(data) > b.room {
		return
	}
	b.kept[oid] = data
	b.room -= len(data)
}

// loadedAtOnce is how many objects are asked for before others may ask.
const loadedAtOnce = 1_000

// Load reads objects that will be asked for, all at once: without a turn to git and back for each. What cannot be read
// fails when it is asked for.
func (b *batch) Load(oids []string) {
	for part := range slices.Chunk(oids, loadedAtOnce) {
		b.load(part)
	}
}

func (b *batch) load(oids []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	wanted := slices.DeleteFunc(slices.Clone(oids), func(oid string) bool { return b.kept[oid] != nil })
	if b.err != nil || len(wanted) == 0 || b.room < keptObject {
		return
	}
	asked := make(chan struct{})
	go func() { // git answers while it is still being asked: neither pipe holds everything
		defer close(asked)
		_, _ = io.WriteString(b.in, strings.Join(wanted, "\n")+"\n") // where this fails, the answers end
	}()
	for _, oid := range wanted {
		if data, err := b.answer(); err == nil {
			b.keep(oid, data)
		} else if b.err != nil {
			b.in.Close() // so that whoever still asks stops
			break
		}
	}
	<-asked
}

// answer reads what git says about the next object that it was asked for.
func (b *batch) answer() ([]byte, error) {
	header, err := b.out.ReadString('\n')
	if err != nil {
		return nil, b.fail(err)
	}
	fields := strings.Fields(header) // <oid> SP <type> SP <size> LF, or <oid> SP missing LF
	if len(fields) != 3 {
		return nil, errors.New("the object is missing from this clone")
	}
	size, err := strconv.ParseInt(fields[2], 10, 64)
	if err != nil {
		return nil, b.fail(fmt.Errorf("unexpected answer %q", header))
	}
	if size > MaxBlob {
		if _, err := io.CopyN(io.Discard, b.out, size+1); err != nil {
			return nil, b.fail(err)
		}
		return nil, ErrTooLarge
	}
	data := make([]byte, size+1) // the content and a newline
	if _, err := io.ReadFull(b.out, data); err != nil {
		return nil, b.fail(err)
	}
	return data[:size:size], nil
}

// fail remembers that the stream is out of step.
func (b *batch) fail(err error) error {
	b.err = fmt.Errorf("git cat-file ended: %w", err)
	return b.err
}

// Close ends the process.
func (b *batch) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = errors.New("the repository is closed")
	b.in.Close()
	return b.cmd.Wait()
}
