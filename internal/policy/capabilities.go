package policy

import (
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
)

// forbidden are the builtins that a policy must not call, with the reason. A policy may come from a pull request: it
// reaches no network, no process and no environment. The other builtins that OPA marks as not deterministic are
// given a fixed clock and seed (time.now_ns, rand.intn, uuid.rfc4122), or compute what their arguments say (io.jwt.*).
var forbidden = map[string]string{
	"http.send":                   "it reaches the network",
	"net.lookup_ip_addr":          "it reaches the network",
	"opa.runtime":                 "it reads the environment",
	"json.match_schema":           "it reads the files that a $ref names",
	"json.verify_schema":          "it reads the files that a $ref names",
	"strings.render_template":     "it cannot be stopped when it runs too long",
	"parse_config":                "it is an addition of the conftest program",
	"parse_config_file":           "it reads files",
	"parse_combined_config_files": "it reads files",
}

// Capabilities gives what Rego may use: all of this OPA version but the builtins that reach outside.
func Capabilities() *ast.Capabilities {
	c := ast.CapabilitiesForThisVersion()
	c.Builtins = slices.DeleteFunc(c.Builtins, func(b *ast.Builtin) bool { return forbidden[b.Name] != "" })
	c.AllowNet = []string{} // not nil, which would allow every host
	return c
}
