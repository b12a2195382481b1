package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// restarts says what happens to pods: "2 workloads (12 pods)", "" for nothing.
func (t *tally) restartWords() string {
	if t.restarts == 0 {
		return ""
	}
	return fmt.Sprintf("%s (%s)", plural(t.restarts, "workload"), plural(t.pods, "pod"))
}

// requestWords says by how much the requests of all pods grow: "+0.5 CPU, −2 GiB", "" for nothing.
func (t *tally) requestWords() string {
	var parts []string
	if t.cpu != 0 {
		parts = append(parts, signed(t.cpu, trim(fmt.Sprintf("%.3f", float64(abs(t.cpu))/1000)))+" CPU")
	}
	if t.memory != 0 {
		parts = append(parts, signed(t.memory, bytesWords(abs(t.memory))))
	}
	return strings.Join(parts, ", ")
}

func signed(n int64, text string) string {
	if n < 0 {
		return "−" + text
	}
	return "+" + text
}

func abs(n int64) int64 { return max(n, -n) }

func trim(number string) string { return strings.TrimSuffix(strings.TrimRight(number, "0"), ".") }

func bytesWords(n int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB"}
	value, unit := float64(n), 0
	for value >= 1024 && unit < len(units)-1 {
		value /= 1024
		unit++
	}
	return trim(fmt.Sprintf("%.1f", value)) + " " + units[unit]
}

// imageRow is one image with what it was and is, by environment.
type imageRow struct {
	repository string
	changes    map[string][]versions // environment → the different changes there
}

type versions struct{ from, to string }

// images gathers the image changes of the report, by repository and environment.
func (r *Report) images() []imageRow {
	of := make(map[string]string, len(r.Targets))
	for _, t := range r.Targets {
		of[t.ID] = t.Environment
	}
	rows := make(map[string]*imageRow)
	var order []string
	for _, c := range r.Changes {
		for _, i := range c.Effect.Images {
			from, oldVersion := splitImage(i.Old)
			to, newVersion := splitImage(i.New)
			if i.Old == "" || i.New == "" {
				continue // a container that comes or goes is seen in its diff
			}
			repository := to
			if from != to {
				repository, oldVersion, newVersion = to, i.Old, i.New
			}
			row := rows[repository]
			if row == nil {
				row = &imageRow{repository: repository, changes: make(map[string][]versions)}
				rows[repository] = row
				order = append(order, repository)
			}
			environment, v := of[c.Target], versions{oldVersion, newVersion}
			if !slices.Contains(row.changes[environment], v) {
				row.changes[environment] = append(row.changes[environment], v)
			}
		}
	}
	slices.SortFunc(order, cmp.Compare)
	out := make([]imageRow, len(order))
	for i, repository := range order {
		out[i] = *rows[repository]
	}
	return out
}

// splitImage cuts an image reference into its repository and its tag or digest; the port of a registry is no tag.
func splitImage(image string) (repository, version string) {
	if repository, digest, ok := strings.Cut(image, "@"); ok {
		repository, tag := splitImage(repository)
		if algorithm, hash, ok := strings.Cut(digest, ":"); ok && len(hash) > 12 {
			digest = algorithm + ":" + hash[:12]
		}
		return repository, strings.TrimPrefix(tag+"@"+digest, "@")
	}
	if i := strings.LastIndexByte(image, ':'); i > strings.LastIndexByte(image, '/') {
		return image[:i], image[i+1:]
	}
	return image, ""
}

// maxImages bounds the table of images, and its columns.
const (
	maxImages       = 30
	maxImageColumns = 6
)

// images shows which images change, old → new, in a column for each environment.
func (c *comment) images(t tier) {
	rows := c.r.images()
	if len(rows) == 0 {
		return
	}
	limit := maxImages
	if t.findings > 0 {
		limit = min(limit, t.findings)
	}
	environments, tallies := c.r.byEnvironment()
	environments = slices.DeleteFunc(environments, func(e string) bool { return tallies[e].changes() == 0 })
	columns := environments[:min(len(environments), maxImageColumns)]
	c.printf("#### Images\n\n| Image |")
	for _, e := range columns {
		c.printf(" %s |", environmentCell(e))
	}
	c.printf("\n|---|%s\n", strings.Repeat("---|", len(columns)))
	for i, row := range rows {
		if i == limit {
			c.printf("| … and %s |%s\n", plural(len(rows)-i, "more image"), strings.Repeat(" |", len(columns)))
			break
		}
		c.printf("| %s |", cell(row.repository))
		for _, e := range columns {
			var cells []string
			for n, v := range row.changes[e] {
				if n == 3 {
					cells = append(cells, "…")
					break
				}
				cells = append(cells, cell(v.from)+" → "+cell(v.to))
			}
			c.printf(" %s |", strings.Join(cells, "<br>"))
		}
		c.printf("\n")
	}
	if n := len(environments) - len(columns); n > 0 {
		c.printf("\nNot shown: %s.\n", plural(n, "more environment"))
	}
	c.printf("\n")
}

func environmentCell(environment string) string {
	if environment == "" {
		return "*none*"
	}
	return cell(environment)
}
