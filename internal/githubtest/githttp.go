package githubtest

import (
	"net/http"
	"net/http/cgi"
	"os/exec"
	"strings"
)

// serveGit serves clone, fetch and push through git's own server. A push needs a token that may write contents, and so
// does everything in a private repository that may read them.
func (gh *GitHub) serveGit(w http.ResponseWriter, req *http.Request) {
	name, _, _ := strings.Cut(strings.TrimPrefix(req.URL.Path, "/"), ".git/")
	push := strings.HasSuffix(req.URL.Path, "/git-receive-pack") || req.URL.Query().Get("service") == "git-receive-pack"

	gh.mu.Lock()
	repo := gh.repos[strings.ToLower(name)]
	token, refusal := gh.authenticate(req)
	if repo != nil {
		for _, p := range repo.pulls { // refs/pull/N must be up to date
			repo.refresh(p)
		}
	}
	gh.mu.Unlock()
	if token != nil && repo != nil && !token.reaches(repo) {
		token = nil
	}

	level, user := "read", "anonymous"
	if push {
		level = "write"
	}
	if token != nil {
		user = token.Login
	}
	switch {
	case repo == nil:
		http.NotFound(w, req)
		return
	case refusal != nil, token == nil && (push || repo.Private):
		w.Header().Set("WWW-Authenticate", `Basic realm="GitHub"`)
		http.Error(w, "Authentication failed.", http.StatusUnauthorized)
		return
	case token != nil && (push || repo.Private) && !token.may(level, "contents"):
		http.Error(w, "Permission to "+repo.FullName+".git denied to "+token.Login+".", http.StatusForbidden)
		return
	}
	git, err := exec.LookPath("git")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	// The directory of the repository was found by its name; the path in the request may be spelt differently.
	_, rest, _ := strings.Cut(req.URL.Path, ".git/")
	req.URL.Path = "/" + repo.FullName + ".git/" + rest
	handler := &cgi.Handler{
		Path: git, Args: []string{"http-backend"}, Dir: gh.Root,
		Env: append(gitEnvironment(), "GIT_PROJECT_ROOT="+gh.Root, "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER="+user),
	}
	handler.ServeHTTP(w, req)
}
