// SPDX-License-Identifier: Apache-2.0

package render

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Tree is what lies below one port: a device kind, or a switch of that kind
// with a port for each of Below.
type Tree struct {
	Kind   string
	Switch bool
	Below  []Tree

	size int // functions that it stands for, bridges included
}

// UnmarshalYAML reads the text form: "gpu" or "switch(gpu nic nvme*4)".
func (t *Tree) UnmarshalYAML(n *yaml.Node) error { return scalar(n, t, parseTree) }

// Bounds of one tree: PCI has 32 devices on a switch's bus, and nobody stacks
// more than a few switches.
const (
	maxBelow = 32
	maxDepth = 4
)

func parseTree(text string) (Tree, error) {
	p := treeParser{rest: text}
	list, _, err := p.list(0)
	switch {
	case err != nil:
		return Tree{}, err
	case p.rest != "":
		return Tree{}, errors.New("want no closing parenthesis here")
	case len(list) != 1:
		return Tree{}, errors.New("want one device or switch below a port, as nic or switch(gpu nic)")
	}
	return list[0], nil
}

// treeParser walks over the text; rest is what is not read yet.
type treeParser struct{ rest string }

// list reads up to a closing parenthesis or the end, and counts functions.
func (p *treeParser) list(depth int) (out []Tree, size int, err error) {
	if depth > maxDepth {
		return nil, 0, fmt.Errorf("want at most %d switches in one another", maxDepth)
	}
	for {
		p.rest = strings.TrimLeft(p.rest, " ")
		if p.rest == "" || p.rest[0] == ')' {
			return out, size, nil
		}
		t := Tree{Kind: p.word(), size: 1}
		if t.Kind == "" {
			return nil, 0, errors.New("want a name of small letters, digits and dashes")
		}
		if strings.HasPrefix(p.rest, "(") {
			p.rest = p.rest[1:]
			t.Switch = true
			var below int
			if t.Below, below, err = p.list(depth + 1); err != nil {
				return nil, 0, err
			}
			if p.rest == "" {
				return nil, 0, errors.New("want a closing parenthesis")
			}
			p.rest = p.rest[1:]
			t.size += below + len(t.Below)
		}
		count, err := p.count()
		if err != nil {
			return nil, 0, err
		}
		if len(out)+count > maxBelow {
			return nil, 0, fmt.Errorf("want at most %d devices below one switch", maxBelow)
		}
		if size += count * t.size; size > maxFunctions {
			return nil, 0, fmt.Errorf("want at most %d functions below one port", maxFunctions)
		}
		for range count {
			out = append(out, t)
		}
	}
}

func (p *treeParser) word() string {
	end := strings.IndexFunc(p.rest, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-'
	})
	if end < 0 {
		end = len(p.rest)
	}
	word := p.rest[:end]
	p.rest = p.rest[end:]
	return word
}

// count reads "*N", or nothing, which is one.
func (p *treeParser) count() (int, error) {
	if !strings.HasPrefix(p.rest, "*") {
		return 1, nil
	}
	p.rest = p.rest[1:]
	n, err := strconv.Atoi(p.word())
	if err != nil || n < 1 || n > maxBelow {
		return 0, fmt.Errorf("want a count of 1 to %d after *", maxBelow)
	}
	return n, nil
}
