package main

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// write encodes definitions in the format that package schema documents.
func write(all []project) ([]byte, error) {
	var out bytes.Buffer
	out.WriteString("sluice crds 1\n")
	for _, p := range all {
		for _, d := range p.definitions {
			text, err := json.Marshal(d.Spec)
			if err != nil {
				return nil, err
			}
			fmt.Fprintf(&out, "%s %s\t%s\t%s\t%s\n", p.name, p.version, d.Spec.Group, d.Spec.Names.Kind, text)
		}
	}
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(32<<20))
	if err != nil {
		return nil, err
	}
	defer encoder.Close()
	return encoder.EncodeAll(out.Bytes(), nil), nil
}

// document writes the list of what there is.
func document(all []project) []byte {
	var out bytes.Buffer
	kinds := 0
	for _, p := range all {
		kinds += len(p.definitions)
	}
	fmt.Fprintf(&out, `# Custom resources that sluice knows

The definitions of %d kinds from %d projects are inside the program. They validate custom resources whose
CustomResourceDefinition the repository does not hold. A definition in the repository, or in a directory that
`+"`validation.crds`"+` names, comes first: put the definitions that your clusters run there, where their release differs.

This list is generated, as the definitions are, by `+"`go generate ./internal/schema`"+`, from the Go modules in which the projects publish
them. All are under the Apache License 2.0.
`, kinds, len(all))
	for _, p := range all {
		fmt.Fprintf(&out, "\n## %s %s\n\nModule `%s`.\n\n| group | kind | versions |\n|---|---|---|\n", p.name, p.version, p.module)
		for _, d := range p.definitions {
			fmt.Fprintf(&out, "| %s | %s | %s |\n", d.Spec.Group, d.Spec.Names.Kind, d.versions())
		}
	}
	return out.Bytes()
}
