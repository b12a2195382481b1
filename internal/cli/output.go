package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice/internal/github"
	"github.com/sluice-dev/sluice/internal/report"
)

// output is one --output FORMAT[=FILE].
type output struct {
	format string
	file   string // "" and "-" are standard output
}

// parseOutputs reads the values of --output. Text to standard output is the default; two formats cannot share a file.
func parseOutputs(values, formats []string) ([]output, error) {
	if len(values) == 0 {
		return []output{{format: "text"}}, nil
	}
	var outputs []output
	taken := make(map[string]bool)
	for _, value := range values {
		format, file, _ := strings.Cut(value, "=")
		if !slices.Contains(formats, format) {
			return nil, usage(fmt.Errorf("--output %s: unknown format %q; there are: %s", value, format, strings.Join(formats, ", ")))
		}
		if file == "-" {
			file = ""
		}
		if taken[file] {
			return nil, usage(fmt.Errorf("--output %s: two outputs go to the same place; write one to a file: --output %s=FILE", value, format))
		}
		taken[file] = true
		outputs = append(outputs, output{format, file})
	}
	return outputs, nil
}

// formats are the forms of a report, in the order in which help lists them.
var formats = []string{"text", "markdown", "html", "json", "sarif", "junit"}

// viewOptions are what a view of a report depends on beside its format.
type viewOptions struct {
	text  report.TextOptions
	files string // what a path of the repository is appended to for its address; "" where it has none
}

// view writes a report in one of the formats.
func view(w io.Writer, format string, r *report.Report, opts viewOptions) error {
	switch format {
	case "text":
		return report.Text(w, r, opts.text)
	case "markdown":
		return report.Markdown(w, r, report.MarkdownOptions{FileURL: opts.files})
	case "html":
		return report.HTML(w, r, report.HTMLOptions{FileURL: opts.files})
	case "json":
		return report.JSON(w, r)
	case "sarif":
		return report.SARIF(w, r, Version())
	case "junit":
		return report.JUnit(w, r)
	default:
		return fmt.Errorf("unknown format %q", format)
	}
}

// writeReport writes a report in each format that was asked for.
func (c *Command) writeReport(r *report.Report, outputs []output, text report.TextOptions) error {
	return c.writeOutputs(outputs, func(w io.Writer, out output) error {
		text.Color = out.file == "" && c.colored()
		return view(w, out.format, r, viewOptions{text: text})
	})
}

// writeOutputs writes one thing to each place that was asked for. All are tried; the errors are joined.
func (c *Command) writeOutputs(outputs []output, write func(io.Writer, output) error) error {
	var errs []error
	for _, out := range outputs {
		var buffer bytes.Buffer
		if err := write(&buffer, out); err != nil {
			errs = append(errs, fmt.Errorf("write %s: %w", out.format, err))
			continue
		}
		if out.file == "" {
			text := buffer.String()
			if c.inActions() && (out.format == "text" || out.format == "markdown") { // the others are for machines, byte by byte
				text = github.Harmless(text)
			}
			_, err := io.WriteString(c.Stdout, text)
			errs = append(errs, err)
			continue
		}
		errs = append(errs, writeFile(out.file, buffer.Bytes()))
	}
	return errors.Join(errs...)
}

// colored reports whether standard output is a terminal that wants colour (https://no-color.org).
func (c *Command) colored() bool {
	return c.Getenv("NO_COLOR") == "" && c.Getenv("TERM") != "dumb" && isTerminal(c.Stdout)
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// writeFile writes a file whole or not at all: to a temporary file beside it, then by rename.
func writeFile(name string, data []byte) (err error) {
	temporary, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	defer func() {
		if err != nil {
			os.Remove(temporary.Name())
			err = fmt.Errorf("write %s: %w", name, err)
		}
	}()
	_, err = temporary.Write(data)
	if err = errors.Join(err, temporary.Chmod(0o644), temporary.Close()); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), name)
}
