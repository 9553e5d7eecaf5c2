// SPDX-License-Identifier: Apache-2.0

package yamldoc

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

const mergeTag = "!!merge"

// What aliases may add to a document.
const (
	maxAliasNodes = 1_000_000
	maxAliasBytes = 10 << 20
	maxDepth      = 1000
)

// walk is one pass over a document with its aliases expanded.
type walk struct {
	name    string
	columns bool // errors also say the column
	aliases int  // aliases that are open around the current node
	nodes   int  // nodes that aliases added
	bytes   int  // text that aliases added
	depth   int
}

func (w *walk) errorf(n *yaml.Node, format string, args ...any) error {
	if w.columns {
		return fmt.Errorf("%s:%d:%d: %s", w.name, n.Line, n.Column, fmt.Sprintf(format, args...))
	}
	return fmt.Errorf("%s:%d: %s", w.name, n.Line, fmt.Sprintf(format, args...))
}

// enter counts a node and resolves an alias; the caller calls leave after it.
func (w *walk) enter(n *yaml.Node) (*yaml.Node, error) {
	if w.depth++; w.depth > maxDepth {
		return nil, w.errorf(n, "found more than %d levels", maxDepth)
	}
	real := n
	if n.Kind == yaml.AliasNode {
		w.aliases++
		real = n.Alias
	}
	if w.aliases > 0 {
		w.nodes++
		w.bytes += len(real.Value)
	}
	if w.nodes > maxAliasNodes || w.bytes > maxAliasBytes {
		return nil, w.errorf(n, "aliases expand to more than %d nodes or %d bytes", maxAliasNodes, maxAliasBytes)
	}
	return real, nil
}

func (w *walk) leave(n *yaml.Node) {
	w.depth--
	if n.Kind == yaml.AliasNode {
		w.aliases--
	}
}

// field is one key of a map with its value.
type field struct{ key, value *yaml.Node }

// fields lists the keys of a map in the order they are written, those merged in
// with "<<" last. It refuses keys that are no plain scalars, and a key that is
// there twice.
func (w *walk) fields(n *yaml.Node) ([]field, error) {
	seen := map[string]int{}
	out, err := w.own(n, seen)
	if err != nil {
		return nil, err
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Tag != mergeTag {
			continue
		}
		froms := mergedFrom(n.Content[i+1])
		if froms == nil {
			return nil, w.errorf(n.Content[i], "found %s behind \"<<\", want a map or a list of maps", kindOf(n.Content[i+1]))
		}
		for _, from := range froms {
			if out, err = w.merge(out, from, seen); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

func (w *walk) own(n *yaml.Node, seen map[string]int) ([]field, error) {
	var out []field
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Tag == mergeTag {
			continue
		}
		if deref(key).Kind != yaml.ScalarNode {
			return nil, w.errorf(key, "found %s as a key, want a word", kindOf(key))
		}
		text := deref(key).Value
		if line, ok := seen[text]; ok {
			return nil, w.errorf(key, "found the key %q again, first on line %d", clip(text), line)
		}
		seen[text] = key.Line
		out = append(out, field{key, n.Content[i+1]})
	}
	return out, nil
}

// merge adds what a "<<" brings in: keys that are not there yet.
func (w *walk) merge(out []field, from *yaml.Node, seen map[string]int) ([]field, error) {
	if w.nodes += len(from.Content); w.nodes > maxAliasNodes {
		return nil, w.errorf(from, "aliases expand to more than %d nodes", maxAliasNodes)
	}
	if w.depth++; w.depth > maxDepth {
		return nil, w.errorf(from, "found more than %d levels", maxDepth)
	}
	defer func() { w.depth-- }()
	fields, err := w.fields(from)
	if err != nil {
		return nil, err
	}
	for _, f := range fields {
		if _, ok := seen[deref(f.key).Value]; !ok {
			seen[deref(f.key).Value] = f.key.Line
			out = append(out, f)
		}
	}
	return out, nil
}

// mergedFrom lists the maps behind a "<<"; nil when it is something else.
func mergedFrom(n *yaml.Node) []*yaml.Node {
	switch n = deref(n); n.Kind {
	case yaml.MappingNode:
		return []*yaml.Node{n}
	case yaml.SequenceNode:
		var out []*yaml.Node
		for _, item := range n.Content {
			if item = deref(item); item.Kind != yaml.MappingNode {
				return nil
			}
			out = append(out, item)
		}
		return out
	}
	return nil
}

// kindOf names what a node is, for errors.
func kindOf(n *yaml.Node) string {
	switch n = deref(n); {
	case n.Kind == yaml.MappingNode:
		return "a map"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Tag == "!!null":
		return "nothing"
	}
	return fmt.Sprintf("%q", clip(n.Value))
}
