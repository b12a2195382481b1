package git

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"sync"
)

// MaxBlob is the largest file, in bytes, that is read from a repository. Larger ones fail with ErrTooLarge.
const MaxBlob = 64 << 20

// ErrTooLarge says that a file of the repository is larger than MaxBlob.
var ErrTooLarge = errors.New("the file is larger than 64 MiB, which sluice does not read")

// batch is one `git cat-file --batch` process that stays: starting git per file would cost more than all else.
type batch struct {
	mu  sync.Mutex
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
	err error // what broke the stream; every later read fails with it
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
	return &batch{cmd: cmd, in: in, out: bufio.NewReaderSize(out, 64<<10)}, nil
}

// Read returns the content of the object with the given id.
func (b *batch) Read(oid string) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return nil, b.err
	}
	data, err := b.read(oid)
	if err != nil {
		return nil, fmt.Errorf("read git object %s: %w", oid, err)
	}
	return data, nil
}

func (b *batch) read(oid string) ([]byte, error) {
	if _, err := io.WriteString(b.in, oid+"\n"); err != nil {
		return nil, b.fail(err)
	}
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
