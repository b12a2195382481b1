package policy_test

import (
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	psa "k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"

	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
	"github.com/sluice-dev/sluice/internal/policy"
)

// The versions of Kubernetes whose schemas sluice has.
const oldestMinor, newestMinor = 28, 37

func builtin(t testing.TB, opts policy.Options) *policy.Engine {
	t.Helper()
	set, err := policy.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	engine, problems, err := policy.New(t.Context(), opts, set)
	if err != nil || len(problems) > 0 {
		t.Fatal(problems, err)
	}
	return engine
}

func check(t testing.TB, engine *policy.Engine, text string) finding.List {
	t.Helper()
	objects, problems := manifest.Parse("pod.yaml", []byte(text))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	result, err := engine.Check(t.Context(), objects)
	if err != nil {
		t.Fatal(err)
	}
	if result.Incomplete {
		t.Fatalf("incomplete:\n%s\n%s", result.Findings, text)
	}
	return result.Findings
}

// TestPodSecurityFixtures holds the bundles baseline and restricted to the pods that Kubernetes ships as examples of
// what each level of its Pod Security Standards must admit and refuse.
func TestPodSecurityFixtures(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "k8s.io/pod-security-admission").Output()
	if err != nil {
		t.Skipf("the module k8s.io/pod-security-admission cannot be located: %v", err)
	}
	data := filepath.Join(strings.TrimSpace(string(out)), "test", "testdata")
	pods := 0
	for minor := oldestMinor; minor <= newestMinor; minor++ {
		for _, level := range []string{"baseline", "restricted"} {
			engine := builtin(t, policy.Options{Bundles: []string{level}, Kubernetes: fmt.Sprintf("1.%d", minor)})
			for _, verdict := range []string{"pass", "fail"} {
				files, err := filepath.Glob(filepath.Join(data, level, fmt.Sprintf("v1.%d", minor), verdict, "*.yaml"))
				if err != nil || len(files) == 0 {
					t.Fatalf("no pods for %s 1.%d: %v", level, minor, err)
				}
				for _, file := range files {
					pods++
					text, err := os.ReadFile(file)
					if err != nil {
						t.Fatal(err)
					}
					if found := check(t, engine, string(text)); (len(found) == 0) != (verdict == "pass") {
						t.Errorf("%s: want %s, got %q", file, verdict, found)
					}
				}
			}
		}
	}
	t.Logf("%d pods", pods)
}

// TestPodSecurityAgreement compares verdicts with Kubernetes' own evaluator on random pods.
func TestPodSecurityAgreement(t *testing.T) {
	evaluator, err := psa.NewEvaluator(psa.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	type key struct {
		level string
		minor int
	}
	engines := make(map[key]*policy.Engine)
	for _, level := range []string{"baseline", "restricted"} {
		for minor := oldestMinor; minor <= newestMinor; minor++ {
			engines[key{level, minor}] = builtin(t, policy.Options{Bundles: []string{level}, Kubernetes: fmt.Sprintf("1.%d", minor)})
		}
	}
	rounds := 1_500
	if testing.Short() {
		rounds = 400
	}
	random := rand.New(rand.NewSource(1))
	refused := 0
	for range rounds {
		text := randomPod(random)
		var pod corev1.Pod
		if err := yaml.UnmarshalStrict([]byte(text), &pod); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		for i, volume := range pod.Spec.Volumes { // the API server's default
			if volume.VolumeSource == (corev1.VolumeSource{}) {
				pod.Spec.Volumes[i].EmptyDir = &corev1.EmptyDirVolumeSource{}
			}
		}
		minor := oldestMinor + random.Intn(newestMinor-oldestMinor+1)
		for _, level := range []string{"baseline", "restricted"} {
			want := psa.AggregateCheckResults(evaluator.EvaluatePod(api.LevelVersion{Level: api.Level(level), Version: api.MajorMinorVersion(1, minor)}, &pod.ObjectMeta, &pod.Spec))
			found := check(t, engines[key{level, minor}], text)
			if want.Allowed != (len(found) == 0) {
				t.Fatalf("%s 1.%d: Kubernetes says %v (%s), sluice says\n%s\n%s", level, minor, want.Allowed, want.ForbiddenDetail(), found, text)
			}
			if !want.Allowed {
				refused++
			}
		}
	}
	t.Logf("%d verdicts, %d of them refusals", 2*rounds, refused)
}

// randomPod makes a pod that is near to passing, so that both verdicts are frequent: each field that a standard looks
// at is usually good or absent.
func randomPod(r *rand.Rand) string {
	pick := func(usual string, others ...string) string {
		if r.Intn(12) > 0 {
			return usual
		}
		return others[r.Intn(len(others))]
	}
	windows := r.Intn(12) == 0
	context := func(indent string, container bool) string {
		lines := []string{
			pick("runAsNonRoot: true", "runAsNonRoot: false", "", "runAsNonRoot: null"),
			pick("", "windowsOptions: {hostProcess: true}", "windowsOptions: {hostProcess: false}"),
		}
		if windows { // the other fields are not valid there
			return indent + "securityContext:\n" + block(indent+"  ", lines)
		}
		lines = append(lines,
			pick("seccompProfile: {type: RuntimeDefault}", "seccompProfile: {type: Unconfined}", "seccompProfile: {type: Localhost, localhostProfile: x}", "seccompProfile: null", ""),
			pick("", "runAsUser: 0", "runAsUser: 1000"),
			pick("", "seLinuxOptions: {type: container_engine_t}", "seLinuxOptions: {type: spc_t}", "seLinuxOptions: {user: u}", "seLinuxOptions: {role: \"\"}", "seLinuxOptions: {level: s0}"),
			pick("", "appArmorProfile: {type: Unconfined}", "appArmorProfile: {type: RuntimeDefault}"),
		)
		if container {
			lines = append(lines,
				pick("allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true", ""),
				pick("capabilities: {drop: [ALL]}", "capabilities: {drop: [ALL], add: [NET_BIND_SERVICE]}", "capabilities: {drop: [ALL], add: [CHOWN]}", "capabilities: {add: [SYS_ADMIN]}", "capabilities: {}", ""),
				pick("", "privileged: true", "privileged: false"),
				pick("", "procMount: Unmasked", "procMount: Default"),
			)
		} else {
			lines = append(lines, pick("", "sysctls: [{name: net.ipv4.tcp_rmem, value: x}]", "sysctls: [{name: kernel.msgmax, value: x}]", "sysctls: [{name: net.ipv4.tcp_notsent_lowat, value: x}]"))
		}
		return indent + "securityContext:\n" + block(indent+"  ", lines)
	}
	containers := func(list string, n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "  - name: %s%d\n", strings.ToLower(list[:1]), i)
			if r.Intn(12) > 0 {
				b.WriteString(context("    ", true))
			}
			b.WriteString(block("    ", []string{
				pick("", "ports: [{containerPort: 80, hostPort: 80}]", "ports: [{containerPort: 80, hostPort: 0}]"),
				pick("", "livenessProbe: {httpGet: {port: 80, host: x}}", "readinessProbe: {tcpSocket: {port: 80}}", "lifecycle: {preStop: {httpGet: {port: 80, host: x}}}"),
			}))
		}
		if b.Len() == 0 {
			return ""
		}
		return "  " + list + ":\n" + b.String()
	}
	spec := block("  ", []string{
		pick("", "hostNetwork: true", "hostPID: true", "hostIPC: true", "hostNetwork: false"),
		pick("", "hostUsers: false", "hostUsers: true"),
		map[bool]string{true: "os: {name: windows}", false: pick("", "os: {name: linux}")}[windows],
		pick("", "volumes: [{name: v, hostPath: {path: /}}]", "volumes: [{name: v, nfs: {server: s, path: /}}]", "volumes: [{name: v, emptyDir: {}}]", "volumes: [{name: v}]", "volumes: [{name: v, image: {}}]"),
	})
	if r.Intn(6) > 0 {
		spec += context("  ", false)
	}
	spec += containers("containers", 1+r.Intn(2)) + containers("initContainers", r.Intn(2)) + containers("ephemeralContainers", r.Intn(8)/7)
	annotation := pick("", "  annotations: {container.apparmor.security.beta.kubernetes.io/c0: unconfined}\n", "  annotations: {container.apparmor.security.beta.kubernetes.io/c0: localhost/x}\n")
	return "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n" + annotation + "spec:\n" + spec
}

func block(indent string, lines []string) string {
	var b strings.Builder
	for _, line := range lines {
		if line != "" {
			b.WriteString(indent + line + "\n")
		}
	}
	return b.String()
}
