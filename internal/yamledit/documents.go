package yamledit

import (
	"strings"
)

// documents makes the patches of documents that come and go. Documents are separated by lines that begin with "---", which
// have that meaning wherever they stand.
func (p *patcher) documents() error {
	chunks, err := p.chunks()
	if err != nil {
		return err
	}
	for i := range p.docs {
		if !p.edits.docsGone[i] {
			continue
		}
		from, to := chunks[i], p.chunkEnd(chunks, i)
		if i == 0 && !p.marker(from) && len(p.docs) > 1 {
			to = p.lineEnd(to) // the marker of the next document goes with a first one that had none
		}
		p.replace(from, to, "")
	}
	for index, list := range p.edits.docs {
		at := len(p.src)
		if index < len(p.docs) {
			at = chunks[index]
		}
		var text strings.Builder
		for _, in := range list {
			body, err := p.blockText(in, 0)
			if err != nil {
				return err
			}
			if index == 0 && len(p.docs) > 0 && !p.marker(at) {
				text.WriteString(body + p.eol + "---" + p.eol)
			} else if len(p.docs) == 0 && text.Len() == 0 {
				text.WriteString(body + p.eol)
			} else {
				text.WriteString("---" + p.eol + body + p.eol)
			}
		}
		p.replace(at, at, text.String())
	}
	return nil
}

// chunks gives the offset at which each document's text begins: at its marker, or the file's start.
func (p *patcher) chunks() ([]int, error) {
	var markers []int
	for _, at := range p.lines {
		if at < len(p.src) && p.marker(at) {
			markers = append(markers, at)
		}
	}
	chunks := make([]int, len(p.docs))
	for i, doc := range p.docs {
		at := p.start(doc)
		chunks[i] = 0
		if i > 0 {
			chunks[i] = -1
		}
		for _, m := range markers {
			if m <= at && (i == 0 || m > chunks[i-1]) {
				chunks[i] = m
			}
		}
		if chunks[i] < 0 || (i > 0 && chunks[i] == chunks[i-1]) {
			return nil, p.unsafe(doc, "the start of this document was not found")
		}
	}
	if len(chunks) > 0 && len(markers) > 0 && strings.TrimSpace(string(p.src[:markers[0]])) == "" && chunks[0] > markers[0] {
		return nil, p.unsafe(p.docs[0], "the first document is empty")
	}
	return chunks, nil
}

func (p *patcher) chunkEnd(chunks []int, i int) int {
	if i+1 < len(chunks) {
		return chunks[i+1]
	}
	return len(p.src)
}

// marker reports whether the line at an offset begins a document.
func (f *File) marker(at int) bool {
	rest := string(f.src[at:min(at+4, len(f.src))])
	return strings.HasPrefix(rest, "---") && (len(rest) == 3 || isSpace(rest[3]))
}
