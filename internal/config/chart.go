package config

// RemoteChart is one version of a chart of a chart repository or a registry, pinned by what it holds: who can change what a version
// is called cannot change what is rendered.
type RemoteChart struct {
	Repo    ChartRepository `yaml:"repo" required:"true" doc:"The repository, as the kustomization names it: https://host/path, or oci://registry/path."`
	Name    ChartName       `yaml:"name" required:"true" doc:"The name of the chart."`
	Version ChartVersion    `yaml:"version" required:"true" doc:"The version, as the kustomization names it."`
	Digest  ChartDigest     `yaml:"digest" required:"true" doc:"The SHA-256 digest of the chart's archive, sha256: and 64 hexadecimal digits: what sha256sum says of the file that helm pull gets."`
}

// ChartRepository is where charts come from, such as "https://charts.example.com" or "oci://ghcr.io/org/charts".
type ChartRepository string

// ChartName is the name of a chart.
type ChartName string

// ChartVersion is a version of a chart, such as "1.2.3".
type ChartVersion string

// ChartDigest is the digest of a chart's archive, such as "sha256:<64 hexadecimal digits>".
type ChartDigest string

func (ChartRepository) shape() shape {
	return shape{
		what:    "a chart repository, https://host/path, or a registry, oci://registry/path; http only of this machine",
		pattern: `^((https|oci)://[a-z0-9][a-z0-9.-]*(:[0-9]{1,5})?|http://(localhost|127\.0\.0\.1)(:[0-9]{1,5})?)(/[A-Za-z0-9._~-]+)*/?$`,
	}
}

// Names and versions are what Helm takes: https://helm.sh/docs/chart_best_practices/conventions
func (ChartName) shape() shape {
	return shape{what: "the name of a chart", pattern: `^[A-Za-z0-9][A-Za-z0-9._-]*$`}
}

func (ChartVersion) shape() shape {
	return shape{
		what:    "one version of a chart, such as 1.2.3; a range can come to mean another one",
		pattern: `^v?[0-9]+(\.[0-9]+){0,2}(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$`,
	}
}

func (ChartDigest) shape() shape {
	return shape{what: "sha256: and the 64 hexadecimal digits of the archive's SHA-256", pattern: `^sha256:[0-9a-f]{64}$`}
}
