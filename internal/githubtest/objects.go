package githubtest

import (
	"bufio"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
)

// objects is one git process of a repository that stays, and says which object a name is of. Nearly each request asks where a branch
// is: a process for each would be most of what a test costs.
type objects struct {
	mu  sync.Mutex
	in  io.WriteCloser
	out *bufio.Reader
}

// object is what a name leads to.
type object struct {
	ID, Type string
	Size     int // bytes
}

// find gives the object that a name is of, as gitrevisions(7) has them; ok is false where there is none. It is safe without the lock.
func (r *Repo) find(name string) (o object, ok bool) {
	r.gh.t.Helper()
	if name == "" || strings.ContainsAny(name, "\n\x00") {
		return object{}, false
	}
	r.objects.mu.Lock()
	defer r.objects.mu.Unlock()
	if r.objects.in == nil {
		if err := r.startObjects(); err != nil {
			r.gh.t.Errorf("githubtest: git cat-file: %v", err)
			return object{}, false
		}
	}
	_, err := io.WriteString(r.objects.in, name+"\n")
	var line string
	if err == nil {
		line, err = r.objects.out.ReadString('\n')
	}
	if err != nil {
		r.gh.t.Errorf("githubtest: git cat-file: %v", err)
		return object{}, false
	}
	// A name that leads nowhere is repeated, with a word behind it.
	n, _ := fmt.Sscanf(line, "%40s %s %d\n", &o.ID, &o.Type, &o.Size)
	return o, n == 3 && commitID.MatchString(o.ID)
}

// startObjects starts the process, which ends with the test.
func (r *Repo) startObjects() error {
	cmd := exec.Command("git", "cat-file", "--batch-check")
	cmd.Dir, cmd.Env = r.Dir, gitEnvironment()
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	r.objects.in, r.objects.out = in, bufio.NewReader(out)
	r.gh.t.Cleanup(func() {
		in.Close()
		_ = cmd.Wait() // it has said all that was asked
	})
	return nil
}
