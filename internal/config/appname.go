package config

import (
	"regexp"
	"slices"
	"strings"
)

// Directory names that say how a repository is built, not what it deploys. They are no part of an application's name.
var (
	structural = []string{
		"overlays", "overlay", "env", "envs", "environment", "environments", "stages", "variants", "base", "bases",
		"src", "deploy", "deployment", "deployments", "manifests", "k8s", "kubernetes", "kustomize", "config", "configs",
		"gitops", "regions",
	}
	// grouping names stand for what they hold where nothing else does: apps/production is "apps", but
	// apps/shop/production is "shop".
	grouping = []string{"apps", "applications", "services", "infrastructure", "clusters", "tenants", "teams", "groups"}
)

// region matches the regions of AWS and Google Cloud: us-east-2, europe-west1. They say where, not what.
var region = regexp.MustCompile(`^[a-z]{2,}(-[a-z]+)*-(north|south|east|west|central|northeast|northwest|southeast|southwest)-?[0-9][a-z]?$`)

// allApps is the application of a repository that deploys everything at once.
const allApps = "all"

// appPath gives what an application is called by: the segments of its path, without the environment, that say what
// is deployed. It is the same for all environments and regions of an application.
func appPath(segments []string, environment int) []string {
	var out []string
	group := allApps
	for i, segment := range segments {
		switch {
		case i == environment, slices.Contains(structural, segment), region.MatchString(segment):
		case slices.Contains(grouping, segment):
			group = segment
		default:
			out = append(out, segment)
		}
	}
	if len(out) == 0 {
		return []string{group}
	}
	return out
}

// nameApps gives each application path its name: its segments joined by "-", where one that the next repeats goes
// without saying (accounts/accounts-db is accounts-db). Where two paths would get one name, both keep their slashes:
// applications are paired by name, so a name must not stand for two.
func nameApps(paths [][]string) map[string]string {
	short := make(map[string]string, len(paths))
	users := make(map[string]map[string]bool)
	for _, segments := range paths {
		full := strings.Join(segments, "/")
		var kept []string
		for i, segment := range segments {
			if i+1 < len(segments) && strings.HasPrefix(segments[i+1], segment+"-") {
				continue
			}
			kept = append(kept, segment)
		}
		name := strings.Join(kept, "-")
		short[full] = name
		if users[name] == nil {
			users[name] = make(map[string]bool)
		}
		users[name][full] = true
	}
	for full, name := range short {
		if len(users[name]) > 1 {
			short[full] = full
		}
	}
	return short
}
