package config

import "github.com/sluice-dev/sluice/internal/finding"

// RemotePolicies is Rego from elsewhere: of another repository, or of a registry. What it is pinned by says all that it holds, so it is
// the same for everybody, and nobody changes which policies bind without a change of the configuration. One of Git and OCI is set.
type RemotePolicies struct {
	Git       PolicyCommit   `yaml:"git" doc:"A commit of a repository, which is fetched by https: host/org/repository@COMMIT."`
	OCI       PolicyArtifact `yaml:"oci" doc:"An artifact of an OCI registry, as conftest push makes it, by its digest: registry/repository@sha256:DIGEST. A tag before the @ is for people, and not looked at."`
	Directory Directory      `yaml:"directory" doc:"The directory that holds the policies. Default: all of a commit; of an artifact, the directory that all its files are in."`
}

// PolicyCommit is a commit of another repository that holds policies, such as "github.com/org/repo@<40 hexadecimal digits>".
type PolicyCommit string

// movable is why nothing else names policies.
const movable = " can move, so that nobody could say which policies had bound"

func (PolicyCommit) shape() shape {
	s := RemoteBase("").shape()
	s.what += "; a branch or tag" + movable
	return s
}

// PolicyArtifact is an artifact of an OCI registry that holds policies, such as "ghcr.io/org/policies@sha256:<64 hexadecimal digits>".
type PolicyArtifact string

// The names of repositories are those of the OCI distribution specification:
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests
const (
	repositoryRegexp = `/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
	tagRegexp        = `:[A-Za-z0-9_][A-Za-z0-9._-]{0,127}`
)

func (PolicyArtifact) shape() shape {
	return shape{
		what:    "a repository of a registry and the digest of an artifact, registry/repository@sha256:DIGEST with 64 hexadecimal digits; a tag" + movable,
		pattern: `^[a-z0-9][a-z0-9.-]*(:[0-9]{1,5})?(` + repositoryRegexp + `)+(` + tagRegexp + `)?@sha256:[0-9a-f]{64}$`,
	}
}

// Pin gives what the policies are pinned by: host/org/repository@COMMIT or registry/repository@sha256:DIGEST.
func (r RemotePolicies) Pin() string {
	if r.OCI != "" {
		return string(r.OCI)
	}
	return string(r.Git)
}

// String names the policies, with all that decides what they are: the pin, and //directory where one is said.
func (r RemotePolicies) String() string {
	if r.Directory == "" {
		return r.Pin()
	}
	return r.Pin() + "//" + string(r.Directory)
}

// checkRemotePolicies reports policies that come from nowhere, or from two places.
func (d *decoder) checkRemotePolicies(c *Config) {
	for i, remote := range c.Policies.Remote {
		switch pos := c.Pos("policies", "remote", i); {
		case d.within(pos):
		case remote.Git == "" && remote.OCI == "":
			d.report(pos, "config/missing-key", `policies.remote[%d] needs the key "git" or "oci": where the policies come from`, i)
		case remote.Git != "" && remote.OCI != "":
			d.report(c.Pos("policies", "remote", i, "oci"), "config/value", `policies.remote[%d] has both "git" and "oci": make two entries of it`, i)
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
