// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"path"
	"slices"
	"strings"
)

// WithAnswers returns a machine that is m with these documents in AnswersDir, by
// file name, in place of those that lie there: what a program that reads its own
// machine learned by asking the kernel. A recording keeps them like files. Both
// machines share one root; closing either closes it.
func (m *Machine) WithAnswers(documents map[string][]byte) *Machine {
	return &Machine{tree: answersTree{m.tree, documents}}
}

// answersTree is a tree with documents laid over it.
type answersTree struct {
	tree
	documents map[string][]byte
}

func (t answersTree) document(name string) ([]byte, bool) {
	if path.Dir(name) != AnswersDir {
		return nil, false
	}
	data, ok := t.documents[path.Base(name)]
	return data, ok
}

// above tells whether name is AnswersDir or a folder that leads there, which the
// documents bring into being.
func above(name string) bool { return strings.HasPrefix(AnswersDir+"/", name+"/") }

func (t answersTree) kind(name string) (kind, error) {
	if _, ok := t.document(name); ok {
		return kindFile, nil
	}
	if above(name) {
		// A link on the way (/run is one on some systems) leads to where the
		// documents are not: it counts for the folder that it stands for.
		return kindDir, nil
	}
	return t.tree.kind(name)
}

func (t answersTree) read(name string) ([]byte, error) {
	if data, ok := t.document(name); ok {
		return slices.Clone(data), nil
	}
	return t.tree.read(name)
}

func (t answersTree) direct(name string) ([]byte, error) {
	if data, ok := t.document(name); ok {
		return slices.Clone(data), nil
	}
	return t.tree.direct(name)
}

func (t answersTree) readdir(name string) ([]string, error) {
	names, err := t.tree.readdir(name)
	if !above(name) {
		return names, err
	}
	if name == AnswersDir {
		for file := range t.documents {
			names = append(names, file)
		}
	} else {
		next, _, _ := strings.Cut(strings.TrimPrefix(AnswersDir, name+"/"), "/")
		names = append(names, next)
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}
