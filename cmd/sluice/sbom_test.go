package main

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

// TestSBOM has the tool that release.yml installs describe a program, this test, with the arguments of .goreleaser.yaml: all that is in it is
// named, and the same program gives the same document.
func TestSBOM(t *testing.T) {
	t.Parallel()
	tool := os.Getenv("SLUICE_TEST_SBOM")
	install := regexp.MustCompile(`go install -trimpath (\S+)/cmd/\S+@(\S+)`).FindStringSubmatch(readFile(t, "../../.github/workflows/release.yml"))
	if tool == "" {
		t.Skipf("SLUICE_TEST_SBOM=PROGRAM has the tool for SBOMs describe a program; %s makes the tool", install[0])
	}
	made, err := buildinfo.ReadFile(tool)
	if err != nil || made.Main.Path != install[1] || made.Main.Version != install[2] {
		t.Fatalf("%s is %s %s, want what release.yml installs: %s %s (%v)", tool, made.Main.Path, made.Main.Version, install[1], install[2], err)
	}
	var config struct {
		SBOMs []struct{ Args []string }
	}
	if err := yaml.Unmarshal([]byte(readFile(t, "../../.goreleaser.yaml")), &config); err != nil || len(config.SBOMs) != 1 {
		t.Fatalf("%+v, %v", config, err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	describe := func() []byte {
		t.Helper()
		document := filepath.Join(t.TempDir(), "document")
		values := strings.NewReplacer("$artifact", self, "$document", document, "{{ .Tag }}", "v1.2.3")
		var args []string
		for _, arg := range config.SBOMs[0].Args {
			args = append(args, values.Replace(arg))
		}
		cmd := exec.Command(tool, args...)
		cmd.Env = []string{"HTTPS_PROXY=http://127.0.0.1:1", "PATH=/nowhere"} // neither the network nor another program is needed
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s %q: %v\n%s", tool, args, err, out)
		}
		return []byte(readFile(t, document))
	}
	document := describe()
	if again := describe(); !bytes.Equal(document, again) {
		t.Error("the same program has two documents")
	}
	checkSBOM(t, document, self, "v1.2.3")
	validateSBOM(t, document, made)
}

// checkSBOM holds a document to the program that it describes.
func checkSBOM(t *testing.T, document []byte, program, version string) {
	t.Helper()
	type component struct{ Name, Version, PURL string }
	var sbom struct {
		BOMFormat, SpecVersion, SerialNumber string
		Metadata                             struct {
			Timestamp  string
			Component  component
			Properties []struct{ Name, Value string }
		}
		Components []component
	}
	if err := json.Unmarshal(document, &sbom); err != nil {
		t.Fatalf("%v:\n%s", err, document)
	}
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	if sbom.BOMFormat != "CycloneDX" || sbom.SpecVersion != "1.6" || sbom.SerialNumber != "" || sbom.Metadata.Timestamp != "" {
		t.Errorf("%s %s, number %q, made at %q", sbom.BOMFormat, sbom.SpecVersion, sbom.SerialNumber, sbom.Metadata.Timestamp)
	}
	if got := sbom.Metadata.Component; got.Name != info.Main.Path || got.Version != version {
		t.Errorf("it describes %s %s, want %s %s", got.Name, got.Version, info.Main.Path, version)
	}
	sum := sha256.Sum256([]byte(readFile(t, program)))
	if !slices.ContainsFunc(sbom.Metadata.Properties, func(p struct{ Name, Value string }) bool {
		return p.Name == "cdx:gomod:binary:hash:SHA-256" && p.Value == hex.EncodeToString(sum[:])
	}) {
		t.Errorf("it does not name the program's checksum: %+v", sbom.Metadata.Properties)
	}
	var got, want []string
	for _, c := range sbom.Components {
		got = append(got, c.Name+" "+c.Version)
		if !strings.HasPrefix(c.PURL, "pkg:golang/"+c.Name+"@"+c.Version+"?") {
			t.Errorf("%s %s is %s", c.Name, c.Version, c.PURL)
		}
	}
	want = append(want, "std "+info.GoVersion)
	for _, module := range info.Deps {
		if module.Replace != nil {
			module = module.Replace
		}
		want = append(want, module.Path+" "+module.Version)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) || len(want) < 50 {
		t.Errorf("components:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// validateSBOM holds a document to the schemas of CycloneDX, which the tool's library has beside it in the module cache.
func validateSBOM(t *testing.T, document []byte, tool *buildinfo.BuildInfo) {
	t.Helper()
	const library = "github.com/CycloneDX/cyclonedx-go"
	i := slices.IndexFunc(tool.Deps, func(m *debug.Module) bool { return m.Path == library })
	cache, err := exec.Command("go", "env", "GOMODCACHE").Output()
	if i < 0 || err != nil {
		t.Fatal(tool.Deps, err)
	}
	dir := filepath.Join(strings.TrimSpace(string(cache)), "github.com", "!cyclone!d!x", "cyclonedx-go@"+tool.Deps[i].Version, "schema")
	if _, err := os.Stat(dir); err != nil {
		t.Logf("the document is not held to the schema: %v", err)
		return
	}
	compiler := jsonschema.NewCompiler()
	for id, file := range map[string]string{"bom-1.6.schema.json": "bom-1.6.schema.json", "spdx.schema.json": "spdx.schema.json", "jsf-0.82.schema.json": "jsf-0.82.schemax.json"} {
		schema, err := jsonschema.UnmarshalJSON(strings.NewReader(readFile(t, filepath.Join(dir, file))))
		if err == nil {
			err = compiler.AddResource("http://cyclonedx.org/schema/"+id, schema)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	schema, err := compiler.Compile("http://cyclonedx.org/schema/bom-1.6.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(value); err != nil {
		t.Errorf("%v", err)
	}
}
