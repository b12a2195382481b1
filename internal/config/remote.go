package config

import "github.com/sluice-dev/sluice/internal/finding"

// RemotePolicies is Rego of another repository. What it is pinned by says all that it holds, so it is the same for everybody, and nobody
// changes which policies bind without a change of the configuration.
type RemotePolicies struct {
	Git       PolicyCommit `yaml:"git" doc:"A commit of a repository, which is fetched by https: host/org/repository@COMMIT."`
	Directory Directory    `yaml:"directory" doc:"The directory that holds the policies. Default: all of it."`
}

// PolicyCommit is a commit of another repository that holds policies, such as "github.com/org/repo@<40 hexadecimal digits>".
type PolicyCommit string

func (PolicyCommit) shape() shape {
	s := RemoteBase("").shape()
	s.what += "; a branch or tag can move, so that nobody could say which policies had bound"
	return s
}

// String names the policies, with all that decides what they are: host/org/repository@COMMIT//directory.
func (r RemotePolicies) String() string {
	if r.Directory == "" {
		return string(r.Git)
	}
	return string(r.Git) + "//" + string(r.Directory)
}

// checkRemotePolicies reports policies that come from nowhere.
func (d *decoder) checkRemotePolicies(c *Config) {
	for i, remote := range c.Policies.Remote {
		if pos := c.Pos("policies", "remote", i); remote.Git == "" && !d.within(pos) {
			d.report(pos, "config/missing-key", "policies.remote[%d] needs the key \"git\": where the policies come from", i)
		}
	}
}

// PlacedPolicies is where the configuration names policies from elsewhere.
type PlacedPolicies struct {
	RemotePolicies
	Pos finding.Pos
}

// RemotePolicies gives the policies from elsewhere, each with its place in the file.
func (c *Config) RemotePolicies() []PlacedPolicies {
	var out []PlacedPolicies
	for i, remote := range c.Policies.Remote {
		out = append(out, PlacedPolicies{remote, c.Pos("policies", "remote", i)})
	}
	return out
}
