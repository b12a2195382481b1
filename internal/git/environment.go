package git

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// repositoryVariables lead git to another repository than the one of the directory that it runs in. The hooks of git set them.
var repositoryVariables = []string{"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_PREFIX"}

// environment is what git runs with: the caller's, never asking questions, never writing where a read was meant, in the repository of the
// directory and no other. Where objects are, a server's hook may say.
func environment(opts Options, dir string) []string {
	env := without(os.Environ(), repositoryVariables)
	env = append(env, "LC_ALL=C", "GIT_TERMINAL_PROMPT=0", "GIT_OPTIONAL_LOCKS=0", "GIT_NO_REPLACE_OBJECTS=1")
	// Files of a commit can make up a bare repository: git is to read none that it was not given.
	settings := []string{"safe.bareRepository", "explicit"}
	if opts.Trust {
		settings = append(settings, "safe.directory", dir)
	}
	return configured(env, settings)
}

// without gives the variables that have none of the names.
func without(env, names []string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return slices.Contains(names, name)
	})
}

// configured adds settings (name, value, name, value, …) to those that the environment has for git.
func configured(env, settings []string) []string {
	n := 0
	for _, variable := range env { // of several, the last counts
		if count, ok := strings.CutPrefix(variable, "GIT_CONFIG_COUNT="); ok {
			n, _ = strconv.Atoi(count) // git refuses what is no number, and so is this one's to say
		}
	}
	for i := 0; i < len(settings); i += 2 {
		env = append(env, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", n, settings[i]), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", n, settings[i+1]))
		n++
	}
	return append(env, fmt.Sprintf("GIT_CONFIG_COUNT=%d", n))
}
