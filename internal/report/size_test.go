package report_test

import (
	"io"
	"testing"

	"github.com/sluice-dev/sluice/internal/report"
)

// What a large run costs after its objects were compared.
func BenchmarkFinish600Targets(b *testing.B) {
	r := manyTargets(b)
	for b.Loop() {
		report.Finish(r)
	}
}

func BenchmarkComment600Targets(b *testing.B) {
	for name, r := range map[string]*report.Report{"one change": manyTargets(b), "400 changes": sharedBase(b)} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				report.Comment(r, options)
			}
		})
	}
}

func BenchmarkJSON600Targets(b *testing.B) {
	r := sharedBase(b)
	for b.Loop() {
		if err := report.JSON(io.Discard, r); err != nil {
			b.Fatal(err)
		}
	}
}
