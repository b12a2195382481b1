package schema

import (
	"bytes"
	_ "embed"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/sluice-dev/sluice/internal/finding"
	"github.com/sluice-dev/sluice/internal/manifest"
)

//go:embed crds.zst
var crds []byte

// bundle is the definitions of well-known projects (docs/crds.md) that are inside the binary. They are decoded when the first
// object needs one (some 10 ms), and read one by one.
type bundle struct {
	entries map[groupKind]func() (*Definition, error)
	specs   map[groupKind][]byte // the specifications of the definitions, as JSON
}

// popular gives the bundle; an error means that the program was built wrongly.
var popular = sync.OnceValues(func() (*bundle, error) { return readBundle(crds) })

func readBundle(compressed []byte) (*bundle, error) {
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxStore))
	if err != nil {
		return nil, err
	}
	defer decoder.Close()
	text, err := decoder.DecodeAll(compressed, nil)
	if err != nil {
		return nil, fmt.Errorf("decompress the definitions: %w", err)
	}
	rest, ok := bytes.CutPrefix(text, []byte("sluice crds 1\n"))
	if !ok {
		return nil, fmt.Errorf("the definitions are not in the format of this program: %.40q", text)
	}
	b := &bundle{entries: make(map[groupKind]func() (*Definition, error)), specs: make(map[groupKind][]byte)}
	for number := 2; len(rest) > 0; number++ {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte("\n"))
		fields := bytes.SplitN(line, []byte("\t"), 4)
		if len(fields) != 4 {
			return nil, fmt.Errorf("the definitions are damaged: line %d has %d fields", number, len(fields))
		}
		source, spec := string(fields[0]), fields[3]
		b.specs[groupKind{string(fields[1]), string(fields[2])}] = spec
		b.entries[groupKind{string(fields[1]), string(fields[2])}] = sync.OnceValues(func() (*Definition, error) { return newDefinition(spec, source) })
	}
	return b, nil
}

// PopularDefinition gives the definition of a kind of the well-known projects in the program as a whole object; ok is false where
// none of them has it. An error means that the program was built wrongly.
func PopularDefinition(group, kind string) (o *manifest.Object, ok bool, err error) {
	b, err := popular()
	if err != nil {
		return nil, false, err
	}
	spec, ok := b.specs[groupKind{group, kind}]
	if !ok {
		return nil, false, nil
	}
	d, err := b.entries[groupKind{group, kind}]()
	if err != nil {
		return nil, false, err
	}
	// The API server asks for the annotation where a group ends in k8s.io.
	text := fmt.Appendf(nil, `{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":%q,`+
		`"annotations":{"api-approved.kubernetes.io":"unapproved"}},"spec":%s}`+"\n", d.plural+"."+d.Group, spec)
	objects, problems := manifest.Parse(d.Source, text)
	if len(objects) != 1 {
		return nil, false, fmt.Errorf("the definition of %s in the program cannot be read: %s", kind, problems)
	}
	return objects[0], true, nil
}

// popular judges an object by the definitions of well-known projects; ok is false where none of them has its kind. The
// release that a cluster runs may be another one than that in the bundle, so every message names it, and a version that it does
// not serve is no error.
func (c checker) popular(o *manifest.Object) (v verdict, ok bool) {
	b, err := popular()
	if err != nil {
		return verdict{unknown: true, findings: finding.List{c.about(o, RuleUnusable, finding.Error, "", err.Error())}}, true
	}
	entry, ok := b.entries[groupKind{o.ID.Group, o.ID.Kind}]
	if !ok {
		return verdict{}, false
	}
	d, err := entry()
	if err != nil {
		return verdict{unknown: true, findings: finding.List{c.about(o, RuleUnusable, finding.Error, "", err.Error())}}, true
	}
	if version, _ := d.version(o.Version); version == nil || !version.served {
		return verdict{}, false
	}
	v = c.customObject(o, d)
	for i := range v.findings {
		v.findings[i].Message += " (in " + d.Source + ")"
	}
	return v, true
}
