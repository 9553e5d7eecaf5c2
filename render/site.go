// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

func (p *problems) site(f *Fleet) {
	for i, n := range f.Nodes {
		for _, tree := range slices.Sorted(maps.Keys(n.Places)) {
			at := fmt.Sprintf("nodes.%d.places.%s", i, tree)
			p.name(at, tree)
			for _, domain := range n.Places[tree] {
				p.name(at, domain)
			}
		}
	}
	for i, image := range f.Images {
		at := fmt.Sprintf("images.%d", i)
		p.line(at+".reference", image.Reference)
		if image.Reference == "" {
			p.add(at, "found no reference, want one, as registry.example/app:1.0")
		}
		for j, v := range image.Platforms {
			p.line(fmt.Sprintf("%s.platforms.%d", at, j), v)
		}
		for j, v := range image.UsedBy {
			p.line(fmt.Sprintf("%s.usedBy.%d", at, j), v)
		}
	}
}

// site writes the site file of the fleet: what no machine can tell itself.
func (f *Fleet) site() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: tarsia.dev/v1alpha1\nkind: Site\nname: %q\n", f.Name)
	trees := map[string]map[string][]string{}
	for _, n := range f.Nodes {
		for tree, domains := range n.Places {
			if trees[tree] == nil {
				trees[tree] = map[string][]string{}
			}
			for _, name := range n.names {
				trees[tree][name] = domains
			}
		}
	}
	if len(trees) > 0 {
		b.WriteString("trees:\n")
	}
	for _, tree := range slices.Sorted(maps.Keys(trees)) {
		fmt.Fprintf(&b, "  %q:\n", tree)
		for _, name := range slices.Sorted(maps.Keys(trees[tree])) {
			fmt.Fprintf(&b, "    %q: %s\n", name, flow(trees[tree][name]))
		}
	}
	if len(f.Images) > 0 {
		b.WriteString("images:\n")
	}
	for _, image := range f.Images {
		fmt.Fprintf(&b, "- reference: %q\n  platforms: %s\n", image.Reference, flow(image.Platforms))
		if len(image.UsedBy) > 0 {
			fmt.Fprintf(&b, "  usedBy: %s\n", flow(image.UsedBy))
		}
	}
	return []byte(b.String())
}

// flow is a YAML list on one line. Go's quoting of the printable text that
// ParseFleet lets through is YAML's too.
func flow(list []string) string {
	quoted := make([]string, len(list))
	for i, v := range list {
		quoted[i] = fmt.Sprintf("%q", v)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
