package main

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// write encodes versions in the format that package schema documents.
func write(versions []version) ([]byte, error) {
	type line struct{ name, kind, json string }
	holders := make(map[line][]string) // distinct definition → minor versions that have it, oldest first
	var head []string
	for _, v := range versions {
		minor := strings.Join(strings.SplitN(strings.TrimPrefix(v.release, "v"), ".", 3)[:2], ".")
		head = append(head, minor+"="+v.release)
		for name, def := range v.definitions {
			l := line{name, def.kind, def.json}
			holders[l] = append(holders[l], minor)
		}
	}
	lines := slices.SortedFunc(maps.Keys(holders), func(a, b line) int {
		if c := strings.Compare(a.name, b.name); c != 0 {
			return c
		}
		return strings.Compare(a.json, b.json)
	})
	var out bytes.Buffer
	fmt.Fprintf(&out, "sluice schemas 1\t%s\n", strings.Join(head, " "))
	for _, l := range lines {
		fmt.Fprintf(&out, "%s\t%s\t%s\t%s\n", l.name, l.kind, strings.Join(holders[l], " "), l.json)
	}
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(8<<20))
	if err != nil {
		return nil, err
	}
	defer encoder.Close()
	return encoder.EncodeAll(out.Bytes(), nil), nil
}
