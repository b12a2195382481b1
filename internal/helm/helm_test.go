package helm

import (
	"errors"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"text/template"

	"github.com/Masterminds/sprig/v3"
)

// chart makes the files of one: each pair is a name and a content.
func chart(pairs ...string) []File {
	files := []File{{"Chart.yaml", []byte("apiVersion: v2\nname: web\nversion: 1.0.0\n")}}
	for i := 0; i < len(pairs); i += 2 {
		files = append(files, File{pairs[i], []byte(pairs[i+1])})
	}
	return files
}

// TestVersions holds what a chart is told to the libraries that are used.
func TestVersions(t *testing.T) {
	for _, c := range []struct{ module, want string }{
		{"helm.sh/helm/v4", Version},
		{"k8s.io/client-go", strings.Replace(strings.TrimSuffix(Kubernetes, ".0"), "v1.", "v0.", 1) + "."},
	} {
		out, err := exec.Command("go", "list", "-m", "-f", "{{.Version}}", c.module).Output()
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimSpace(string(out)); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s is %s, and charts are told %s", c.module, got, c.want)
		}
	}
}

// TestUnsteady calls each function whose result is never the same: none gives one.
func TestUnsteady(t *testing.T) {
	calls := map[string]string{
		"now": "now", "ago": "ago 5", "randAlpha": "randAlpha 5", "randAlphaNum": "randAlphaNum 5", "randAscii": "randAscii 5",
		"randBytes": "randBytes 5", "randInt": "randInt 1 5", "randNumeric": "randNumeric 5", "shuffle": `shuffle "ab"`, "uuidv4": "uuidv4",
		"bcrypt": `bcrypt "a"`, "htpasswd": `htpasswd "a" "b"`, "encryptAES": `encryptAES "a" "b"`, "genPrivateKey": `genPrivateKey "rsa"`,
		"genCA": `(genCA "a" 1).Cert`, "genCAWithKey": `genCAWithKey "a" 1 "k"`, "genSelfSignedCert": `genSelfSignedCert "a" nil nil 1`,
		"genSelfSignedCertWithKey": `genSelfSignedCertWithKey "a" nil nil 1 "k"`, "genSignedCert": `genSignedCert "a" nil nil 1 "c"`,
		"genSignedCertWithKey": `genSignedCertWithKey "a" nil nil 1 "c" "k"`,
		"date":                 `date "2006" "today"`, "dateInZone": `dateInZone "2006" "today" "UTC"`, "date_in_zone": `date_in_zone "2006" nil "UTC"`,
		"htmlDate": `htmlDate "x"`, "htmlDateInZone": `htmlDateInZone "x" "UTC"`, "durationRound": `durationRound (toDate "2006" "2020")`,
	}
	for name := range refusals(&UnsteadyError{}) {
		call, ok := calls[name]
		if !ok {
			t.Errorf("%s is not tested", name)
			continue
		}
		if sprig.TxtFuncMap()[name] == nil {
			t.Errorf("there is no function %s", name)
		}
		text := "a: b\nc: {{ " + call + " }}\n"
		_, err := Template(chart("templates/a.yaml", text), Options{})
		var unsteady *UnsteadyError
		if !errors.As(err, &unsteady) || unsteady.Function != name {
			t.Errorf("%s: got %v", call, err)
			continue
		}
		if unsteady.At == nil || unsteady.At.File != "templates/a.yaml" || unsteady.At.Line != 2 {
			t.Errorf("%s: it is said to be at %+v", call, unsteady.At)
		}
	}
	// Whatever sprig itself calls not repeatable must be among them, but for the constant that Helm makes of the resolver.
	hermetic := sprig.HermeticTxtFuncMap()
	for name := range sprig.TxtFuncMap() {
		if _, repeatable := hermetic[name]; !repeatable && calls[name] == "" {
			switch name {
			case "env", "expandenv", "getHostByName", "date_modify", "dateModify":
			default:
				t.Errorf("sprig says that %s is not repeatable", name)
			}
		}
	}
}

// TestSteady compares the replaced functions with the real ones, where these are repeatable.
func TestSteady(t *testing.T) {
	for _, call := range []string{
		`date "2006-01-02" 5`, `dateInZone "15:04" 7200 "UTC"`, `date_in_zone "2006" 0 "Europe/Vienna"`, `htmlDate 86400`, `htmlDateInZone 0 "UTC"`,
		`durationRound "2400h"`, `durationRound 7`,
	} {
		var want strings.Builder
		if err := template.Must(template.New("").Funcs(sprig.TxtFuncMap()).Parse("{{"+call+"}}")).Execute(&want, nil); err != nil {
			t.Fatal(err)
		}
		got, err := Template(chart("templates/a.yaml", "a: {{ "+call+" }}"), Options{})
		if err != nil || !strings.HasSuffix(got, "a: "+want.String()+"\n") {
			t.Errorf("%s is %q (%v), want %q", call, got, err, want.String())
		}
	}
}

// TestNoWayOut asks a chart for what is outside of it.
func TestNoWayOut(t *testing.T) {
	t.Setenv("SECRET", "leaked")
	got, err := Template(chart("templates/a.yaml", `a: {{ lookup "v1" "Secret" "" "" | toJson }} {{ getHostByName "localhost" }}{{ .Files.Get "/etc/hostname" }}`), Options{})
	if want := "---\n# Source: web/templates/a.yaml\na: {}\n"; err != nil || got != want {
		t.Errorf("got %q (%v), want %q", got, err, want)
	}
	for _, options := range []Options{{NameTemplate: `x{{ env "SECRET" }}`}, {NameTemplate: `x{{ expandenv "$SECRET" }}`}, {NameTemplate: `x{{ randAlpha 5 }}`}} {
		if got, err := Template(chart(), options); err == nil {
			t.Errorf("%s gives %q", options.NameTemplate, got)
		}
	}
	if got, err := Template(chart("templates/a.yaml", `a: {{ env "SECRET" }}`), Options{}); err == nil {
		t.Errorf("the environment gives %q", got)
	}
	for _, reference := range []string{"http://127.0.0.1:1/x", "file:///etc/hostname", "other.json"} {
		_, err := Template(chart("values.schema.json", `{"$ref": "`+reference+`"}`), Options{})
		if err == nil || !strings.Contains(err.Error(), "nothing is fetched") {
			t.Errorf("a schema that refers to %s: %v", reference, err)
		}
	}
}

// TestSteadyOrder loads charts that depend upon many: Helm takes them in a random order.
func TestSteadyOrder(t *testing.T) {
	files := chart()
	for _, name := range strings.Split("abcdefghijklmnop", "") {
		files = append(files, File{"charts/" + name + "/Chart.yaml", []byte("apiVersion: v2\nname: " + name + "\nversion: 1.0.0\n")},
			File{"charts/" + name + "/crds/c.yaml", []byte("kind: " + name + "\n")})
	}
	first, err := Template(files, Options{IncludeCRDs: true})
	if err != nil || !strings.Contains(first, "kind: p") {
		t.Fatal(first, err)
	}
	for range 20 {
		if again, err := Template(files, Options{IncludeCRDs: true}); err != nil || again != first {
			t.Fatalf("got\n%s\nafter\n%s", again, first)
		}
	}
}

func TestMistakes(t *testing.T) {
	for _, c := range []struct {
		files   []File
		options Options
		want    string
	}{
		{nil, Options{}, "Chart.yaml file is missing"},
		{chart("Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\ntype: library\n"), Options{}, "library charts are not installable"},
		{chart("Chart.yaml", "apiVersion: v3\nname: web\nversion: 1.0.0\n"), Options{}, `charts of apiVersion "v3" are not known`},
		{chart("Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\nkubeVersion: <1.20\n"), Options{}, "chart requires kubeVersion: <1.20 which is incompatible with Kubernetes v1.37.0"},
		{chart(), Options{KubeVersion: "new"}, "invalid kube version 'new'"},
		{chart(), Options{ReleaseName: "Bad"}, `release name "Bad"`},
		{chart(), Options{ReleaseName: "a", NameTemplate: "b"}, "cannot set --name-template"},
		{chart(), Options{Values: []Values{{"v.yaml", []byte("a: [")}}}, "failed to parse v.yaml"},
		{chart("templates/a.yaml", "a: {{ .Values.x.y }}"), Options{}, "nil pointer"},
		{chart("templates/a.yaml", "{{ define \"a\" }}{{ include \"a\" . }}{{ end }}{{ include \"a\" . }}"), Options{}, "nested reference name"},
	} {
		_, err := Template(c.files, c.options)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}

// TestIgnore reads the rules that leave files out.
func TestIgnore(t *testing.T) {
	ignored, err := ParseIgnore([]byte("# comment\n*.bak\n/top.txt\nbuild/\n"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, name := range []string{"a.bak", "x/a.bak", "top.txt", "x/top.txt", "build/", "build", "templates/.hidden", "templates/a.yaml"} {
		if ignored(strings.TrimSuffix(name, "/"), strings.HasSuffix(name, "/")) {
			got = append(got, name)
		}
	}
	if want := []string{"a.bak", "x/a.bak", "top.txt", "build/", "templates/.hidden"}; !reflect.DeepEqual(got, want) {
		t.Errorf("ignored are %q, want %q", got, want)
	}
	if _, err := ParseIgnore([]byte("a/**/b\n")); err == nil {
		t.Error("a double star is no rule that Helm knows")
	}
}
