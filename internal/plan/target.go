// Package plan reads the dependency graph of a tree and selects the targets that a change can reach, each with why.
package plan

import "github.com/sluice-dev/sluice/internal/config"

// Target is one application in one environment.
type Target = config.Target

// NonTarget is a directory that looks like a target and is none.
type NonTarget = config.NonTarget
