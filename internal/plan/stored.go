package plan

import (
	"encoding/json"
	"fmt"
)

// storedMemo is the form of a memo from run to run. It is private: whoever keeps one gives it only to the program that made it.
type storedMemo struct {
	Kustomizations map[string]storedKustomization // by object id
	Plugins        map[string]storedPlugin
}

type storedKustomization struct {
	Component  bool              `json:",omitempty"`
	Broken     string            `json:",omitempty"`
	Template   bool              `json:",omitempty"`
	References []storedReference `json:",omitempty"`
	Inline     []storedPlugin    `json:",omitempty"`
	Naming     naming
}

type storedReference struct {
	Text string
	Form form
}

type storedPlugin struct {
	Files, Words, Trees []string `json:",omitempty"`
}

// Store gives what the memo knows of the files of this graph's tree, for [Memo.Load].
func (g *Graph) Store() ([]byte, error) {
	out := storedMemo{Kustomizations: make(map[string]storedKustomization), Plugins: make(map[string]storedPlugin)}
	g.memo.mu.Lock()
	defer g.memo.mu.Unlock()
	for _, n := range g.nodes {
		for _, input := range n.own {
			if oid, ok := g.tree.OID(input.Path); ok && g.memo.kustomizations[oid] != nil {
				out.Kustomizations[oid] = g.memo.kustomizations[oid].stored()
			}
		}
		for _, input := range n.inputs {
			if oid, ok := g.tree.OID(input.Path); ok && g.memo.plugins[oid] != nil {
				out.Plugins[oid] = g.memo.plugins[oid].stored()
			}
		}
	}
	return json.Marshal(out)
}

// Load adds what [Graph.Store] gave. An error means that it is nothing of this program's; the memo is as it was then.
func (m *Memo) Load(data []byte) error {
	var in storedMemo
	if err := json.Unmarshal(data, &in); err != nil {
		return fmt.Errorf("load a memo of kustomizations: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for oid, k := range in.Kustomizations {
		made := &kustomization{component: k.Component, broken: k.Broken, template: k.Template, naming: k.Naming}
		for _, r := range k.References {
			made.references = append(made.references, reference{r.Text, r.Form})
		}
		for _, p := range k.Inline {
			made.inline = append(made.inline, plugin{files: p.Files, words: p.Words, trees: p.Trees})
		}
		m.kustomizations[oid] = made
	}
	for oid, p := range in.Plugins {
		m.plugins[oid] = &plugin{files: p.Files, words: p.Words, trees: p.Trees}
	}
	return nil
}

func (k *kustomization) stored() storedKustomization {
	out := storedKustomization{
		Component: k.component, Broken: k.broken, Template: k.template,
		Naming: k.naming,
	}
	for _, r := range k.references {
		out.References = append(out.References, storedReference{r.text, r.form})
	}
	for i := range k.inline {
		out.Inline = append(out.Inline, k.inline[i].stored())
	}
	return out
}

func (p *plugin) stored() storedPlugin { return storedPlugin{p.files, p.words, p.trees} }
