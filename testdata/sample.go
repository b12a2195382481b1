// Package testdata holds the sample repository that `sluice demo` and the end-to-end tests run on.
package testdata

import (
	"embed"
	"io/fs"
)

//go:embed all:sample
var sample embed.FS

// Before is the sample config repository as it stands on main: two applications in dev, staging and prod.
func Before() fs.FS { return sub("before") }

// Change holds the files that a pull request to the sample repository writes, over those of Before.
func Change() fs.FS { return sub("change") }

func sub(name string) fs.FS {
	tree, err := fs.Sub(sample, "sample/"+name)
	if err != nil {
		panic(err) // the name is a constant of this file
	}
	return tree
}
