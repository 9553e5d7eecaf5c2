// SPDX-License-Identifier: Apache-2.0

package yamldoc

import (
	"strconv"

	"go.yaml.in/yaml/v3"
)

// LineOf returns the line of the value at a path of keys and list indexes
// ("spec", "containers", "0", "name"). Where the path leads nowhere it is that of
// the last part that is there.
func (d Doc) LineOf(path ...string) int {
	if d.Node == nil {
		line, _ := d.lookJSON(path)
		return line
	}
	line, n := d.Line, d.Node
	for _, part := range path {
		key, value := child(n, part)
		if value == nil {
			break
		}
		n, line = value, key.Line
	}
	return line
}

// String returns the text of the scalar at a path, as it is written but for
// quotes; false when there is none, or it is null, a map or a list.
func (d Doc) String(path ...string) (string, bool) {
	if d.Node == nil {
		_, value := d.lookJSON(path)
		return scalarJSON(value)
	}
	n := d.Node
	for _, part := range path {
		if _, n = child(n, part); n == nil {
			return "", false
		}
	}
	if n = deref(n); n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		return "", false
	}
	return n.Value, true
}

// child finds the value under a key or an index, and the node whose line it has.
func child(n *yaml.Node, part string) (key, value *yaml.Node) {
	n = deref(n)
	if n.Kind == yaml.SequenceNode {
		if i, err := strconv.Atoi(part); err == nil && i >= 0 && i < len(n.Content) {
			return n.Content[i], n.Content[i]
		}
		return nil, nil
	}
	budget := maxMerges
	return underKey(n, part, &budget)
}

// maxMerges bounds the maps that are looked into for one key: merges may be
// nested, and may lead back to themselves.
const maxMerges = 1000

func underKey(n *yaml.Node, part string, budget *int) (key, value *yaml.Node) {
	if *budget--; *budget < 0 || n.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if deref(n.Content[i]).Value == part && n.Content[i].Tag != mergeTag {
			return n.Content[i], n.Content[i+1]
		}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Tag != mergeTag {
			continue
		}
		for _, from := range mergedFrom(n.Content[i+1]) {
			if key, value := underKey(from, part, budget); value != nil {
				return key, value
			}
		}
	}
	return nil, nil
}

// deref follows an alias to what it stands for.
func deref(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}
