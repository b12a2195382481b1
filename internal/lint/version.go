package lint

import (
	"regexp"
	"strconv"
	"strings"
)

// version is a tag that reads as a version.
type version struct {
	text    string
	major   int
	numbers []int  // major first
	pre     string // "-rc1": what comes before the release; "" for a release or a variant of one
}

// versionTag is v1, 1.2, v1.2.3-rc1, 15-alpine3.20. A bare number of more than three digits is a date or a build.
var versionTag = regexp.MustCompile(`^v?(\d{1,3}|\d{1,4}(?:\.\d{1,9}){1,3})([-+_][0-9A-Za-z.+_-]*)?$`)

// preRelease is a suffix that comes before the release of the same number.
var preRelease = regexp.MustCompile(`^[-_.]?(?:alpha|beta|rc|pre|preview|dev|snapshot|nightly)(?:[^a-z]|$)`)

// calendar is the first number from which a version is taken for a date: 2024.1.
const calendar = 1000

// parseVersion reads a tag; ok is false for what is no version: latest, a commit, a date.
func parseVersion(tag string) (version, bool) {
	m := versionTag.FindStringSubmatch(tag)
	if m == nil {
		return version{}, false
	}
	v := version{text: tag}
	for _, part := range strings.Split(m[1], ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			return version{}, false
		}
		v.numbers = append(v.numbers, n)
	}
	if v.numbers[0] >= calendar {
		return version{}, false
	}
	v.major = v.numbers[0]
	if preRelease.MatchString(strings.ToLower(m[2])) {
		v.pre = m[2]
	}
	return v, true
}

// less reports whether v comes before w. Numbers that one of them does not give are not compared: 1.2 is neither before nor
// after 1.2.3. Of two versions before the same release nothing is said.
func (v version) less(w version) bool {
	for i := range min(len(v.numbers), len(w.numbers)) {
		if v.numbers[i] != w.numbers[i] {
			return v.numbers[i] < w.numbers[i]
		}
	}
	return len(v.numbers) == len(w.numbers) && v.pre != "" && w.pre == ""
}

// splitImage cuts an image reference into its repository and its tag. The port of a registry is no tag; a digest is left out.
func splitImage(image string) (repository, tag string) {
	image, _, _ = strings.Cut(image, "@")
	if i := strings.LastIndexByte(image, ':'); i > strings.LastIndexByte(image, '/') {
		return image[:i], image[i+1:]
	}
	return image, ""
}
