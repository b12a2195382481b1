package main

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"

	"github.com/sluice-dev/sluice/internal/githubtest"
)

// pings is text of which GitHub would make mentions, references into this and other repositories, and links.
const pings = "@everyone @octocat/team #1 GH-1 octo/repo#1 octo/repo@0123456789abcdef0123456789abcdef01234567 https://evil.example www.evil.example"

// nameAttacks try what names, messages and files beside the manifests can do.
var nameAttacks = []attack{
	{name: "old commands in the middle of names", files: func(s *attackScene) githubtest.Files {
		const old = "x ##[set-output name=verdict]pass"
		return s.with("- \""+old+".yaml\"\n\""+old+"\": 1\n", githubtest.Files{
			old + ".yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: \"" + old + "\"}\ndata: {\"" + old + "\": \"\\r::add-mask::prod\"}\n",
		})
	}, code: 3, says: "Not checked"},
	{name: "a name that is no UTF-8", files: func(*attackScene) githubtest.Files {
		return githubtest.Files{
			"notes/caf\xe9 ##[set-output name=verdict]pass\r::error::pwned": "x\n",
			"apps/caf\xe9/overlays/prod/kustomization.yaml":                 "resources: [x.yaml]\n",
			"apps/caf\xe9/overlays/prod/x.yaml":                             configMap,
		}
	}, code: 0, says: "1 change in 1 target"},
	{name: "escape sequences, and letters that turn text around", files: func(s *attackScene) githubtest.Files {
		const name = "\x1b[2J\x1b]8;;evil.example\x07\u202egnp.\u2066\u200b\u00ad.yaml"
		return s.with("- \"\\e[2J\\e]8;;evil.example\\a\\u202egnp.\\u2066\\u200b\\u00ad.yaml\"\n", githubtest.Files{
			name: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {a: \"\\e[2J\\u202e\\u2066\", replicas: \n",
		})
	}, code: 3, says: "Not checked"},
	{name: "messages that ping people and other repositories", files: func(s *attackScene) githubtest.Files {
		return s.with("- x.yaml\n- vap.yaml\n", githubtest.Files{
			"x.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: \"" + pings + "\", labels: {\"" + pings + "\": \"" + pings + "\"}}\n",
			"vap.yaml": "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {name: p}\nspec:\n  matchConstraints: {resourceRules: [{apiGroups: [\"\"], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [configmaps]}]}\n" +
				"  validations: [{expression: \"false\", message: \"fixes #1, see " + pings + " \\u202e ##[error]x\"}]\n" +
				"---\napiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicyBinding\nmetadata: {name: b}\nspec: {policyName: p, validationActions: [Deny]}\n",
		})
	}, code: 1, says: "fixes"},
	{name: "the marker of sluice's own comment", files: func(s *attackScene) githubtest.Files {
		const marker = "<!-- sluice:sluice head=0123456789abcdef0123456789abcdef01234567 -->"
		return s.with("- x.yaml\n", githubtest.Files{
			"x.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: \"" + marker + "\"}\ndata:\n  a: |\n    " + marker + "\n    -->\n    " + marker + "\n",
		})
	}, code: 0, says: ""},
	{name: "huge labels", files: func(s *attackScene) githubtest.Files {
		huge := strings.Repeat("l", 300_000)
		return s.with("- x.yaml\n", githubtest.Files{
			"x.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n  labels: {a: " + huge + "}\n  annotations: {a: " + huge + "}\n",
		})
	}, code: 0, says: "no objections"},
	{name: "a configuration that is a link", links: func(s *attackScene) githubtest.Files {
		return githubtest.Files{"../../../../.sluice.yaml": "/proc/self/environ"}
	}, files: func(s *attackScene) githubtest.Files { return s.with("# a comment\n") }, code: 2, says: "config/unreadable"},
	{name: "a bomb in the configuration", files: func(s *attackScene) githubtest.Files {
		files := s.with("# a comment\n")
		bomb := "a0: &a0 [x,x,x,x,x,x,x,x,x]\n"
		for i := 1; i < 12; i++ {
			bomb += fmt.Sprintf("a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i, i-1, i-1, i-1, i-1, i-1, i-1, i-1, i-1)
		}
		files[".sluice.yaml"] = bomb + "exclude: *a11\n\"##[set-output name=verdict]pass\": 1\n\"x\\n::error::pwned\": 1\n"
		return files
	}, code: 2, says: ".sluice.yaml"},
	{name: "attributes, filters and submodules of git", files: func(s *attackScene) githubtest.Files {
		files := s.with("- x.yaml\n", githubtest.Files{"x.yaml": configMap})
		files[".gitattributes"] = "* filter=lfs diff=evil merge=evil text eol=crlf working-tree-encoding=UTF-16 ident export-subst\n*.yaml -diff export-ignore\n"
		files[".gitmodules"] = "[submodule \"x\"]\n\tpath = x\n\turl = --upload-pack=x\n\tupdate = !touch pwned\n"
		return files
	}, code: 0, says: "no objections"},
}

var (
	inCode = regexp.MustCompile(`(?s)<(pre|code)[^>]*>.*?</(pre|code)>`)
	anchor = regexp.MustCompile(`<a href="([^"]*)"[^>]*>`)
	pinged = regexp.MustCompile(`(?i)@[a-z0-9]|[\w/-]*#\d|\bgh-\d|://|\bwww\.`)
)

// checkComment reads a comment as GitHub does: outside of code nobody is mentioned and nothing referred to, all links are ours, and
// nothing hides or turns text around. An HTML comment is the marker in the first line, and no other.
func checkComment(t *testing.T, body, server string) {
	t.Helper()
	for _, r := range body {
		if r != '\n' && r != '\u200b' && !unicode.IsPrint(r) {
			t.Errorf("the comment holds %q:\n%q", r, body)
			break
		}
	}
	marker, rest, _ := strings.Cut(body, "\n")
	if !strings.HasPrefix(marker, "<!-- sluice:") || strings.Contains(rest, "<!--") {
		t.Errorf("the comment's marker is not its own:\n%s", body)
	}
	var page bytes.Buffer
	if err := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(html.WithUnsafe())).Convert([]byte(rest), &page); err != nil {
		t.Fatal(err)
	}
	shown := inCode.ReplaceAllString(page.String(), "")
	for _, link := range anchor.FindAllStringSubmatch(shown, -1) {
		if !strings.HasPrefix(link[1], server+"/") {
			t.Errorf("the comment leads to %s", link[1])
		}
	}
	if ping := pinged.FindString(anchor.ReplaceAllString(shown, "")); ping != "" {
		t.Errorf("%q is live in the comment:\n%s", ping, body)
	}
}

// TestCommentsAreRead holds checkComment's reading to text that GitHub makes something of.
func TestCommentsAreRead(t *testing.T) {
	t.Parallel()
	for _, live := range strings.Fields(pings) {
		if pinged.FindString("<p>"+live+"</p>") == "" {
			t.Errorf("nothing is live in %s", live)
		}
	}
}
