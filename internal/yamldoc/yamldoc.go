// SPDX-License-Identifier: Apache-2.0

// Package yamldoc reads YAML and JSON that people wrote, strictly and with line
// numbers: Decode fills a struct from one document and names an unknown key and
// its nearest neighbour; Split cuts a stream into documents that are turned into
// JSON for typed decoders. It leaves out what the documents mean.
//
// Every error begins "NAME:LINE: " and says what was found and what was wanted.
// Input is bounded: 256 MiB, 16 million tokens, and for aliases a million nodes
// or 10 MB more than the document itself holds.
package yamldoc

import (
	"bytes"
	"fmt"

	"go.yaml.in/yaml/v3"
)

const (
	maxInput  = 256 << 20
	maxTokens = 16 << 20
)

// Doc is one document of a stream.
type Doc struct {
	Name string     // of the stream, for errors
	Line int        // where the document's content begins, from 1
	Node *yaml.Node // the document's content; nil for a document in JSON
	json []byte     // the document, when it is JSON
}

// Split cuts a stream of YAML or JSON documents. Documents without content are
// left out; a list stays one document.
func Split(name string, data []byte) ([]Doc, error) {
	if err := bounded(name, data); err != nil {
		return nil, err
	}
	if data = utf8Of(data); IsJSON(data) {
		return splitJSON(name, data)
	}
	return splitYAML(name, data)
}

func bounded(name string, data []byte) error {
	if len(data) > maxInput {
		return fmt.Errorf("%s:1: found %d bytes, want at most %d", name, len(data), maxInput)
	}
	// A node of the tree costs two hundred bytes and begins behind one of these
	// marks, so their number bounds the memory before any of it is spent.
	tokens := 0
	for _, mark := range []string{"\n", ",", ":", "[", "{", "- "} {
		tokens += bytes.Count(data, []byte(mark))
	}
	if tokens > maxTokens {
		return fmt.Errorf("%s:1: found some %d tokens, want at most %d", name, tokens, maxTokens)
	}
	return nil
}

func splitYAML(name string, data []byte) ([]Doc, error) {
	nodes, _, err := parse(data)
	if err != nil {
		line := locate(data, err)
		return nil, fmt.Errorf("%s:%d: %s at %q", name, line, message(err), lineText(data, line))
	}
	var docs []Doc
	for _, n := range nodes {
		if !isEmpty(n) {
			docs = append(docs, Doc{Name: name, Line: n.Line, Node: n})
		}
	}
	return docs, nil
}

// isEmpty tells whether nothing was written between two document marks.
func isEmpty(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Tag == "!!null" && n.Value == "" && n.Anchor == ""
}
