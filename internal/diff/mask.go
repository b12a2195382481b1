package diff

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sluice-dev/sluice/internal/manifest"
)

// lastApplied is the annotation in which kubectl keeps a copy of the whole object, Secret data included.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// masker replaces secret values by tokens.
type masker struct {
	salt   []byte
	seen   map[string]int        // without a salt: value → its number
	hidden map[*yaml.Node]string // scalar → the token that stands for it
	partly map[*yaml.Node]string // scalar → its text, with tokens for what is secret in it
	found  bool                  // a Secret, be it empty
	// ciphers says that what is encrypted is hidden, too: that it changed is all that it tells a reader.
	ciphers bool
}

func newMasker(salt []byte) *masker {
	return &masker{salt: salt, seen: make(map[string]int), hidden: make(map[*yaml.Node]string), partly: make(map[*yaml.Node]string)}
}

// value gives a scalar's text without what is secret in it.
func (m *masker) value(node *yaml.Node) string {
	if text, ok := m.partly[node]; ok {
		return text
	}
	return node.Value
}

// hideObject finds what is secret in an object: in Secrets, in kubectl's copies, and by the rules of opts.
func (m *masker) hideObject(o *manifest.Object, opts Options) {
	node := root(o)
	if node == nil {
		return
	}
	m.hide(node)
	if chosen := rulesFor(opts.Sensitive, o.ID); chosen != nil || len(opts.SensitiveValues) > 0 {
		m.hideChosen(node, nil, "", chosen, opts.SensitiveValues)
	}
}

// hideChosen hides the fields that rules choose, and the texts that patterns match.
func (m *masker) hideChosen(node *yaml.Node, self *path, key string, chosen *rules, values []*regexp.Regexp) {
	node = resolve(node)
	if chosen.choose(self, key) || chosen != nil && chosen.whole && self != nil && !identifies(self) {
		m.hideAll(node, false)
		return
	}
	switch node.Kind {
	case yaml.MappingNode:
		for _, f := range fieldsOf(node) {
			m.hideChosen(f.value, self.field(f.key), f.key, chosen, values)
		}
	case yaml.SequenceNode:
		for i, item := range node.Content {
			m.hideChosen(item, &path{self, itemStep(resolve(item), i)}, "", chosen, values)
		}
	default:
		text := node.Value
		for _, pattern := range values {
			text = pattern.ReplaceAllStringFunc(text, func(secret string) string { return m.token([]byte(secret)) })
		}
		if _, hidden := m.hidden[node]; !hidden && text != node.Value {
			m.partly[node] = text
		}
	}
}

// identifies reports whether a field says which object it is, and so stays readable.
func identifies(self *path) bool {
	top := self
	for top.up != nil {
		top = top.up
	}
	return top.step == ".apiVersion" || top.step == ".kind" || top.step == ".metadata"
}

// itemStep names an item of a list as diffs do, by its name or key, else by its position.
func itemStep(item *yaml.Node, i int) string {
	for _, key := range []string{"name", "key"} {
		if value := get(item, key); value != nil && value.Kind == yaml.ScalarNode {
			return "[" + key + "=" + value.Value + "]"
		}
	}
	return "[" + strconv.Itoa(i) + "]"
}

// token stands for a secret value. With a salt, it is ⟪secret:16 hex digits⟫, which package report turns into an
// ordinal: a keyed hash that tells nothing of the value to who has not the salt.
func (m *masker) token(value []byte) string {
	if len(m.salt) > 0 {
		mac := hmac.New(sha256.New, m.salt)
		mac.Write(value)
		return fmt.Sprintf("⟪secret:%x⟫", mac.Sum(nil)[:8])
	}
	n, ok := m.seen[string(value)]
	if !ok {
		n = len(m.seen) + 1
		m.seen[string(value)] = n
	}
	return fmt.Sprintf("⟪secret %d⟫", n)
}

// hide finds what is secret below node, which may be nil: data and stringData of every Secret, be it the object
// itself, an item of a List or a template inside another object, and kubectl's copies.
func (m *masker) hide(node *yaml.Node) {
	node = resolve(node)
	if node == nil {
		return
	}
	if node.Kind == yaml.SequenceNode {
		for _, item := range node.Content {
			m.hide(item)
		}
		return
	}
	if m.ciphers && isCipher(node) {
		m.hideAll(node, false)
		return
	}
	fields := fieldsOf(node)
	is := func(kind string) bool {
		return slices.ContainsFunc(fields, func(f field) bool { return f.key == "kind" && f.value.Value == kind })
	}
	secret, sealed := is("Secret"), m.ciphers && is("SealedSecret")
	m.found = m.found || secret
	for _, f := range fields {
		switch {
		case sealed && f.key == "spec" && get(f.value, "encryptedData") != nil:
			m.hideAll(get(f.value, "encryptedData"), false)
			m.hide(f.value)
		case secret && f.key == "data":
			m.hideAll(f.value, true)
		case secret && f.key == "stringData", f.key == lastApplied:
			m.hideAll(f.value, false)
		default:
			m.hide(f.value)
		}
	}
}

// isCipher reports whether a scalar is what sops writes for an encrypted value (github.com/getsops/sops, aes).
func isCipher(node *yaml.Node) bool {
	return node.Kind == yaml.ScalarNode && strings.HasPrefix(node.Value, "ENC[AES256_GCM,") && strings.HasSuffix(node.Value, "]")
}

// hideAll hides every scalar below node. Where the values are base64, the token is that of the decoded value, so that
// a value that moves from stringData to data is seen to be equal.
func (m *masker) hideAll(node *yaml.Node, encoded bool) {
	node = resolve(node)
	switch node.Kind {
	case yaml.ScalarNode:
		if node.ShortTag() == "!!null" {
			return
		}
		value := []byte(node.Value)
		if encoded {
			if decoded, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(node.Value), "")); err == nil {
				value = decoded
			}
		}
		m.hidden[node] = m.token(value)
	case yaml.MappingNode:
		for _, f := range fieldsOf(node) {
			m.hideAll(f.value, encoded)
		}
	case yaml.SequenceNode:
		for _, item := range node.Content {
			m.hideAll(item, encoded)
		}
	}
}

// opaque gives the text of an object whose YAML could not be read; of a Secret, nothing but a token.
func (m *masker) opaque(o *manifest.Object, opts Options) string {
	switch {
	case o == nil:
		return ""
	case mayHoldSecret(o), rulesFor(opts.Sensitive, o.ID) != nil, len(opts.SensitiveValues) > 0:
		return m.token(o.Text) + "\n"
	}
	return string(o.Text)
}

// HasSensitive reports whether objects of an identity may hold values that are hidden, as Secrets do and those that the options name.
func HasSensitive(id manifest.ID, opts Options) bool {
	return strings.HasSuffix(id.Kind, "Secret") || rulesFor(opts.Sensitive, id) != nil
}

// SensitiveTexts gives the values of an object that the rules of opts.Sensitive hide, in no order.
func SensitiveTexts(o *manifest.Object, opts Options) []string {
	chosen, node := rulesFor(opts.Sensitive, o.ID), root(o)
	if chosen == nil || node == nil {
		return nil
	}
	m := newMasker(nil)
	m.hideChosen(node, nil, "", chosen, nil)
	var texts []string
	for hidden := range m.hidden {
		texts = append(texts, hidden.Value)
	}
	return texts
}

func mayHoldSecret(o *manifest.Object) bool {
	return o.ID.Kind == "Secret" || bytes.Contains(o.Text, []byte("Secret")) || bytes.Contains(o.Text, []byte(lastApplied))
}

// Mask returns the object's YAML document with every secret value replaced by a token that is a number within this
// object. An object that holds no secret comes back as it is; one that may hold one and cannot be parsed is replaced
// as a whole by a comment. Comments of an object that holds one are left out. Of opts, what is sensitive counts.
func Mask(o *manifest.Object, opts Options) []byte {
	if !mayHoldSecret(o) && len(opts.Sensitive)+len(opts.SensitiveValues) == 0 {
		return o.Text
	}
	node := o.Node()
	if node == nil {
		return []byte("# " + newMasker(nil).token(o.Text) + ": this document could not be read, so all of it is hidden\n")
	}
	m := newMasker(nil)
	m.hideObject(o, opts)
	if !m.found && len(m.hidden)+len(m.partly) == 0 {
		return o.Text
	}
	var out bytes.Buffer
	w := writer{mask: m}
	w.document(nil, node)
	for _, l := range w.lines {
		out.WriteString(l.text)
		out.WriteByte('\n')
	}
	return out.Bytes()
}
