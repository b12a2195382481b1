package rehearse

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"k8s.io/client-go/rest"
)

// envtestProvider starts etcd and kube-apiserver on this machine, on loopback, with nothing else: no scheduler, no controllers, no
// kubelet. What is applied is stored, and nothing is done about it.
type envtestProvider struct {
	options Options
	run     *run
}

// How often other ports are tried, and how long an API server may take to be ready.
const (
	startAttempts = 3
	readyTimeout  = 3 * time.Minute
)

// start implements provider.
func (p *envtestProvider) start(ctx context.Context, _, kubernetes string) (server, error) {
	assets, err := FindAssets(kubernetes)
	if err != nil {
		return nil, unavailable(err, "there are no programs for the provider envtest")
	}
	for attempt := 1; ; attempt++ {
		s, err := startEnvtest(ctx, assets, p.run.dir)
		if err == nil || attempt == startAttempts || !errors.Is(err, errPortTaken) {
			return s, err
		}
		p.options.Log.Debug("a port was taken: the API server starts again", "attempt", attempt)
	}
}

// local is an API server that was started here, with its etcd.
type local struct {
	dir             string
	config          *rest.Config
	etcd, apiserver *process
}

var errPortTaken = errors.New("another process has taken the port")

// startEnvtest starts both programs and waits until the API server is ready.
func startEnvtest(ctx context.Context, assets, parent string) (_ server, err error) {
	dir, err := os.MkdirTemp(parent, "envtest-")
	if err != nil {
		return nil, err
	}
	s := &local{dir: dir}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.stop())
		}
	}()
	ports, err := findPorts(3)
	if err != nil {
		return nil, err
	}
	token, err := s.writeKeys()
	if err != nil {
		return nil, err
	}
	client, peer := loopback("http", ports[0]), loopback("http", ports[1])
	s.etcd, err = startProcess(dir, filepath.Join(assets, etcdName),
		"--name=sluice", "--data-dir="+filepath.Join(dir, "data"), "--unsafe-no-fsync", "--log-level=error",
		"--listen-client-urls="+client, "--advertise-client-urls="+client,
		"--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer, "--initial-cluster=sluice="+peer)
	if err != nil {
		return nil, unavailable(err, "etcd does not start")
	}
	s.apiserver, err = startProcess(dir, filepath.Join(assets, apiserverName),
		"--etcd-servers="+client, "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", ports[2]),
		"--cert-dir="+filepath.Join(dir, "certs"), "--service-cluster-ip-range="+serviceRange.String(),
		"--authorization-mode=RBAC", "--token-auth-file="+filepath.Join(dir, "tokens.csv"), "--anonymous-auth=false",
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file="+filepath.Join(dir, "sa.key"),
		"--service-account-signing-key-file="+filepath.Join(dir, "sa.key"),
		"--allow-privileged", "--enable-priority-and-fairness=false", "--profiling=false", "--endpoint-reconciler-type=none",
		// A token controller would make what this plug-in asks of pods.
		"--disable-admission-plugins=ServiceAccount")
	if err != nil {
		return nil, unavailable(err, "kube-apiserver does not start")
	}
	s.config = &rest.Config{
		Host: loopback("https", ports[2]), BearerToken: token,
		TLSClientConfig: rest.TLSClientConfig{CAFile: filepath.Join(dir, "certs", "apiserver.crt")},
	}
	return s, s.awaitReady(ctx)
}

func loopback(scheme string, port int) string { return fmt.Sprintf("%s://127.0.0.1:%d", scheme, port) }

// writeKeys makes the token that the API server knows its one user by, and its key for ServiceAccounts.
func (s *local) writeKeys() (token string, err error) {
	token = rand.Text()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return "", err
	}
	return token, errors.Join(
		os.WriteFile(filepath.Join(s.dir, "tokens.csv"), []byte(token+",sluice,1,system:masters\n"), 0o600),
		os.WriteFile(filepath.Join(s.dir, "sa.key"), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), 0o600),
	)
}

// findPorts is freePorts, unless a test has another idea.
var findPorts = freePorts

// freePorts finds ports of loopback that nobody listens on. Somebody may do so before the API server does.
func freePorts(n int) ([]int, error) {
	var ports []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer l.Close() // at the end, so that no port is found twice
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

// awaitReady waits for the API server.
func (s *local) awaitReady(ctx context.Context) error {
	ready, err := poll(ctx, readyTimeout, func(ctx context.Context) (bool, error) {
		// One question that is never answered must not use up the time of the others.
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		if err := s.dead(); err != nil {
			return false, err
		}
		// It writes its key behind its certificate. client-go keeps for minutes what it has read of a certificate, even if it was half of it.
		if _, err := os.Stat(filepath.Join(filepath.Dir(s.config.CAFile), "apiserver.key")); err != nil {
			return false, nil
		}
		c, err := rest.HTTPClientFor(s.config)
		if err != nil {
			return false, nil
		}
		defer c.CloseIdleConnections()
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.config.Host+"/readyz", nil)
		if err != nil {
			return false, err
		}
		response, err := c.Do(request)
		if err != nil {
			return false, nil
		}
		defer response.Body.Close()
		body, err := io.ReadAll(io.LimitReader(response.Body, 100))
		return err == nil && string(body) == "ok", nil
	})
	if err == nil && !ready {
		err = unavailable(s.apiserver.lastWords(), "the API server was not ready after %s", readyTimeout)
	}
	return err
}

func (s *local) client(ctx context.Context) (*client, error) { return newClient(ctx, s.config, false) }

// dead implements server.
func (s *local) dead() error {
	for _, p := range []*process{s.etcd, s.apiserver} {
		if p != nil && p.ended() {
			err := unavailable(p.lastWords(), "%s ended by itself", p.name)
			if strings.Contains(err.Error(), "address already in use") {
				err = errors.Join(errPortTaken, err)
			}
			return err
		}
	}
	return nil
}

// stop implements server. What the programs have is thrown away, so they need not end in order.
func (s *local) stop() error {
	for _, p := range []*process{s.apiserver, s.etcd} {
		if p != nil {
			p.kill()
		}
	}
	return os.RemoveAll(s.dir)
}

// process is one program that runs.
type process struct {
	name    string
	command *exec.Cmd
	said    *tail
	done    chan struct{}
}

func startProcess(dir, program string, args ...string) (*process, error) {
	p := &process{name: filepath.Base(program), command: exec.Command(program, args...), said: &tail{}, done: make(chan struct{})}
	p.command.Dir, p.command.Env = dir, []string{}
	p.command.Stderr, p.command.SysProcAttr = p.said, ownProcess()
	p.command.WaitDelay = time.Second
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = p.command.Wait() // what it said tells more
		close(p.done)
	}()
	return p, nil
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// kill ends the process and waits for it.
func (p *process) kill() {
	_ = p.command.Process.Kill() // it may have ended
	<-p.done
}

// lastWords gives the last line that a program wrote; nil where it wrote none.
func (p *process) lastWords() error {
	lines := strings.Split(strings.TrimSpace(p.said.String()), "\n")
	if last := lines[len(lines)-1]; last != "" {
		return errors.New(shorten(last))
	}
	return nil
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const maxTail = 8 << 10

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if over := len(t.text) - maxTail; over > 0 {
		t.text = bytes.Clone(t.text[over:])
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}
