package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice/internal/config"
)

// TestReadme holds the README to what it speaks of: its configuration parses, its commands and the files it links to exist.
func TestReadme(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	readme := readFile(t, filepath.Join(root, "README.md"))
	_, example, found := strings.Cut(readme, "```yaml\n# yaml-language-server")
	if !found {
		t.Fatal("there is no example of a configuration")
	}
	example, _, _ = strings.Cut("# yaml-language-server"+example, "```")
	if _, problems := config.Parse("README.md", []byte(example)); len(problems) > 0 {
		t.Errorf("the example of a configuration has mistakes:\n%s", problems)
	}
	for _, link := range regexp.MustCompile(`\]\(([^)#]+)\)`).FindAllStringSubmatch(readme, -1) {
		if strings.HasPrefix(link[1], "https://") {
			continue
		}
		if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(link[1]))); err != nil {
			t.Errorf("link to %s: %v", link[1], err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Args = []string{"sluice", "--help"}
	help, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range regexp.MustCompile("`sluice ([a-z]+)").FindAllStringSubmatch(readme, -1) {
		if !strings.Contains(string(help), "\n  "+command[1]+" ") {
			t.Errorf("there is no command %q", command[1])
		}
	}
}

// TestDocumentsNameTests holds the documents that say what is proved by which test: each of those is there.
func TestDocumentsNameTests(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	declared := make(map[string]bool)
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(name, "_test.go") {
			for _, m := range regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`).FindAllStringSubmatch(readFile(t, name), -1) {
				declared[m[1]] = true
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, document := range []string{"security.md", "reliability.md", "validation.md"} {
		for _, name := range regexp.MustCompile(`\b(?:Test|Fuzz)[A-Z]\w+`).FindAllString(readFile(t, filepath.Join(root, "docs", document)), -1) {
			if !declared[name] {
				t.Errorf("%s: there is no test %s", document, name)
			}
		}
	}
}
