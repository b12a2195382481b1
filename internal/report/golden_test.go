package report_test

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-dev/sluice/internal/report"
)

var update = flag.Bool("update", false, "write what the tests got to testdata")

func golden(t *testing.T, name string, write func(io.Writer) error) {
	t.Helper()
	var got bytes.Buffer
	if err := write(&got); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got.String()); d != "" {
		t.Errorf("%s (-want +got):\n%s", name, d)
	}
}

var options = report.MarkdownOptions{FileURL: "https://github.com/octo/config/blob/" + headCommit + "/"}

// Every sample as a comment; the small ones in every other view too.
func TestViews(t *testing.T) {
	for name, build := range samples {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := build(t)
			golden(t, name+".md", func(w io.Writer) error {
				_, err := io.WriteString(w, report.Comment(r, options)[0])
				return err
			})
			if len(r.Targets) > 50 {
				return
			}
			golden(t, name+".txt", func(w io.Writer) error { return report.Text(w, r, report.TextOptions{All: true}) })
			golden(t, name+".json", func(w io.Writer) error { return report.JSON(w, r) })
			golden(t, name+".sarif", func(w io.Writer) error { return report.SARIF(w, r, "1.0.0") })
			golden(t, name+".xml", func(w io.Writer) error { return report.JUnit(w, r) })
		})
	}
}
