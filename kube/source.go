// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	utiljson "k8s.io/apimachinery/pkg/util/json"

	"tarsia.dev/tarsia/internal/yamldoc"
)

// object is one Kubernetes object as it stands in a file.
type object struct {
	file  string
	line  int    // of its first line
	order int    // of reading
	raw   []byte // JSON
	node  *yaml.Node

	apiVersion, kind string
	namespace, name  string
	handWritten      bool // no uid: no API server has checked it
}

// title names the object in messages.
func (o *object) title() string {
	switch {
	case o.kind == "":
		return "object"
	case o.name == "":
		return cut(o.kind)
	case o.namespace == "" || o.namespace == "default":
		return cut(o.kind) + " " + cut(o.name)
	}
	return cut(o.kind) + " " + cut(o.namespace) + "/" + cut(o.name)
}

// at is the object itself as a place.
func (o *object) at(path ...string) where { return where{o, path} }

// tree is the object as YAML nodes with lines. For JSON it is built when first
// asked for: only messages and hand-written workloads need it.
func (o *object) tree() *yaml.Node {
	if o.node == nil {
		o.node = jsonTree(o.raw, o.line)
	}
	return o.node
}

// lineOf is the line of a path, or of the nearest part of it that exists.
func (o *object) lineOf(path []string) int {
	if len(path) == 0 {
		return o.line
	}
	return yamldoc.Doc{Name: o.file, Line: o.line, Node: o.tree()}.LineOf(path...)
}

// split unpacks a file into objects; the items of a List are objects of their own.
func split(f File) ([]object, error) {
	if len(bytes.TrimSpace(f.Data)) == 0 {
		return nil, fmt.Errorf("%s: the file is empty, wanted Kubernetes objects", f.Name)
	}
	if yamldoc.IsJSON(f.Data) {
		return splitJSON(f)
	}
	docs, err := yamldoc.Split(f.Name, f.Data)
	if err != nil {
		return nil, err
	}
	var out []object
	for _, d := range docs {
		if d.Node != nil && d.Node.Kind == yaml.DocumentNode && len(d.Node.Content) == 1 {
			d.Node = d.Node.Content[0]
		}
		if d.Node == nil || d.Node.Kind != yaml.MappingNode {
			return nil, fmt.Errorf("%s:%d: found no mapping, wanted a Kubernetes object with apiVersion and kind", f.Name, d.Line)
		}
		items, kind, apiVersion, err := listItems(d)
		if err != nil {
			return nil, err
		}
		if items == nil {
			items = []*yaml.Node{d.Node}
		} else if hasAlias(d.Node) {
			// Each item is within yamldoc's bounds for aliases; together they need
			// not be.
			if _, err := d.JSON(); err != nil {
				return nil, err
			}
		}
		for _, n := range items {
			doc := yamldoc.Doc{Name: f.Name, Line: n.Line, Node: prune(n)}
			raw, err := doc.JSON()
			if err != nil {
				return nil, err
			}
			out = append(out, object{file: f.Name, line: n.Line, raw: raw, node: doc.Node, kind: kind, apiVersion: apiVersion})
		}
	}
	return out, nil
}

// listItems are the items of a document that is a List, and the kind that a
// typed list (NodeList) gives to items which do not say their own. items is nil
// for any other document.
func listItems(d yamldoc.Doc) (items []*yaml.Node, kind, apiVersion string, err error) {
	listKind, _ := d.String("kind")
	kind, isList := strings.CutSuffix(listKind, "List")
	if !isList {
		return nil, "", "", nil
	}
	if key, first := secondKey(d.Node); key != nil {
		return nil, "", "", fmt.Errorf("%s:%d: found the key %q again, first on line %d: wanted --- before another object", d.Name, key.Line, key.Value, first)
	}
	for i := 0; i+1 < len(d.Node.Content); i += 2 {
		if d.Node.Content[i].Value != "items" {
			continue
		}
		n := d.Node.Content[i+1]
		if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
			return []*yaml.Node{}, "", "", nil
		}
		if n.Kind != yaml.SequenceNode {
			return nil, "", "", fmt.Errorf("%s:%d: items: found no list, wanted the objects of the %s", d.Name, n.Line, cut(listKind))
		}
		if kind != "" {
			apiVersion, _ = d.String("apiVersion")
		}
		return append([]*yaml.Node{}, n.Content...), kind, apiVersion, nil
	}
	if !isListKind(listKind) {
		return nil, "", "", nil
	}
	return nil, "", "", fmt.Errorf("%s:%d: the %s has no items", d.Name, d.Line, cut(listKind))
}

// secondKey returns the first key of a mapping that stands in it twice, and the
// line of its first: two files that were joined without a separator.
func secondKey(n *yaml.Node) (key *yaml.Node, first int) {
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if line, twice := seen[key.Value]; twice {
			return key, line
		}
		seen[key.Value] = key.Line
	}
	return nil, 0
}

// hasAlias says whether anything below refers to an anchor.
func hasAlias(n *yaml.Node) bool {
	return n.Kind == yaml.AliasNode || slices.ContainsFunc(n.Content, hasAlias)
}

// prune drops what kubectl prints and nobody here reads, which is most of a
// node's text: managed fields and the images that a node holds.
func prune(n *yaml.Node) *yaml.Node {
	drop := map[string]string{"metadata": "managedFields", "status": "images"}
	if n.Kind != yaml.MappingNode {
		return n
	}
	out := *n
	out.Content = append([]*yaml.Node{}, n.Content...)
	for i := 0; i+1 < len(out.Content); i += 2 {
		unwanted, value := drop[out.Content[i].Value], out.Content[i+1]
		if unwanted == "" || value.Kind != yaml.MappingNode {
			continue
		}
		kept := *value
		kept.Content = nil
		for j := 0; j+1 < len(value.Content); j += 2 {
			if value.Content[j].Value != unwanted || hasAnchor(value.Content[j+1]) {
				kept.Content = append(kept.Content, value.Content[j], value.Content[j+1])
			}
		}
		out.Content[i+1] = &kept
	}
	return &out
}

// hasAnchor says whether something below may be referred to from elsewhere.
func hasAnchor(n *yaml.Node) bool {
	return n.Anchor != "" || slices.ContainsFunc(n.Content, hasAnchor)
}

// splitJSON unpacks one or many JSON values, as `kubectl -o json` prints them.
func splitJSON(f File) ([]object, error) {
	var out []object
	dec := json.NewDecoder(bytes.NewReader(f.Data))
	for {
		var raw json.RawMessage
		if err := dec.Decode(&raw); errors.Is(err, io.EOF) {
			return out, nil
		} else if err != nil {
			return nil, fmt.Errorf("%s:%d: read JSON: %w", f.Name, jsonErrorLine(f.Data, dec.InputOffset()), err)
		}
		start := int(dec.InputOffset()) - len(raw)
		line := 1 + bytes.Count(f.Data[:start], []byte("\n"))
		var list struct {
			APIVersion string            `json:"apiVersion"`
			Kind       string            `json:"kind"`
			Items      []json.RawMessage `json:"items"`
		}
		if raw[0] != '{' {
			return nil, fmt.Errorf("%s:%d: found %s, wanted a JSON object with apiVersion and kind", f.Name, line, quoted(string(raw)))
		}
		err := utiljson.Unmarshal(raw, &list)
		kind, isList := strings.CutSuffix(list.Kind, "List")
		hasItems := bytes.Contains(raw, []byte(`"items"`))
		switch {
		case !isList, !hasItems && !isListKind(list.Kind):
			// What does not decode here is said in full by header.
			out = append(out, object{file: f.Name, line: line, raw: raw})
			continue
		case err != nil:
			return nil, fmt.Errorf("%s:%d: %s: %w", f.Name, line, cut(list.Kind), err)
		case !hasItems:
			return nil, fmt.Errorf("%s:%d: the %s has no items", f.Name, line, cut(list.Kind))
		}
		if kind == "" {
			list.APIVersion = ""
		}
		// encoding/json copies items; each is found again in the file, in order,
		// for its line.
		pos := start + bytes.Index(raw, []byte(`"items"`))
		line += bytes.Count(f.Data[start:pos], []byte("\n"))
		for _, item := range list.Items {
			if i := bytes.Index(f.Data[pos:], item); i >= 0 {
				line += bytes.Count(f.Data[pos:pos+i], []byte("\n"))
				pos += i
			}
			out = append(out, object{file: f.Name, line: line, raw: item, kind: kind, apiVersion: list.APIVersion})
			line += bytes.Count(item, []byte("\n"))
			pos += len(item)
		}
	}
}

// jsonErrorLine finds the line of the first syntax error at or after an offset.
func jsonErrorLine(data []byte, from int64) int {
	at := from
	var any json.RawMessage
	if syntax, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(data[from:], &any)); ok {
		at += syntax.Offset
	}
	at = min(max(at, 0), int64(len(data)))
	return 1 + bytes.Count(data[:at], []byte("\n"))
}

// jsonTree is valid JSON as YAML nodes, with line numbers that begin at line.
func jsonTree(raw []byte, line int) *yaml.Node {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var counted int64
	next := func() (json.Token, int) {
		tok, err := dec.Token()
		if err != nil {
			return nil, line
		}
		off := min(dec.InputOffset(), int64(len(raw)))
		line += bytes.Count(raw[counted:off], []byte("\n"))
		counted = off
		return tok, line
	}
	var value func(tok json.Token, at int) *yaml.Node
	value = func(tok json.Token, at int) *yaml.Node {
		n := &yaml.Node{Kind: yaml.ScalarNode, Line: at, Tag: "!!null", Value: "null"}
		switch v := tok.(type) {
		case json.Delim:
			n.Kind, n.Tag, n.Value = yaml.MappingNode, "!!map", ""
			if v == '[' {
				n.Kind, n.Tag = yaml.SequenceNode, "!!seq"
			}
			for dec.More() {
				n.Content = append(n.Content, value(next()))
			}
			next() // the closing bracket
		case string:
			n.Tag, n.Value = "!!str", v
		case json.Number:
			n.Tag, n.Value = "!!float", v.String()
			if _, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
				n.Tag = "!!int"
			}
		case bool:
			n.Tag, n.Value = "!!bool", strconv.FormatBool(v)
		}
		return n
	}
	return value(next())
}
