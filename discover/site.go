// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"tarsia.dev/tarsia/internal/yamldoc"
	"tarsia.dev/tarsia/topology"
)

// KindSite is the kind of a site file.
const KindSite = "Site"

// siteFile is the site file: what no machine can tell about itself.
type siteFile struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	Name       string `yaml:"name"`
	// Trees holds by tree and node the domains of the node, outermost first:
	// rack: {hgx-01: [hall-1, r1]}.
	Trees  map[string]map[string][]string `yaml:"trees"`
	Images []struct {
		Reference string   `yaml:"reference"`
		Platforms []string `yaml:"platforms"`
		UsedBy    []string `yaml:"usedBy"`
	} `yaml:"images"`
}

// discoveredTrees are the trees that machines tell of themselves, and the words
// that placement uses for the narrowest and the widest domain.
var discoveredTrees = []string{"fleet", "node", "nvlink", "xelink", "xgmi"}

// ParseSite reads a site file called name. An image without platforms is one
// whose platforms are not known. Errors begin "NAME:LINE: " and say what was
// found and what was wanted; all that were found are joined.
func ParseSite(name string, data []byte) (topology.Site, error) {
	var f siteFile
	if err := yamldoc.Decode(name, data, &f); err != nil {
		return topology.Site{}, err
	}
	docs, err := yamldoc.Split(name, data)
	if err != nil {
		return topology.Site{}, err
	}
	if len(docs) != 1 {
		return topology.Site{}, fmt.Errorf("%s:1: found %d documents, want one", name, len(docs))
	}
	p := siteParser{name: name, doc: docs[0]}
	p.header(f)
	site := topology.Site{Name: f.Name, Places: p.places(f), Images: p.images(f)}
	if len(p.errs) > 0 {
		return topology.Site{}, errors.Join(p.errs...)
	}
	return site, nil
}

// maxSiteErrors bounds what one ParseSite reports.
const maxSiteErrors = 20

type siteParser struct {
	name string
	doc  yamldoc.Doc
	errs []error
}

// failf adds an error at the line of a path of keys.
func (p *siteParser) failf(path []string, format string, args ...any) {
	if len(p.errs) < maxSiteErrors {
		p.errs = append(p.errs, fmt.Errorf("%s:%d: %s: %s", p.name, p.doc.LineOf(path...), strings.Join(path, "."), fmt.Sprintf(format, args...)))
	}
}

func (p *siteParser) header(f siteFile) {
	if f.APIVersion != topology.APIVersion {
		p.failf([]string{"apiVersion"}, "found %q, want %s", clipText(f.APIVersion), topology.APIVersion)
	}
	if f.Kind != KindSite {
		p.failf([]string{"kind"}, "found %q, want %s", clipText(f.Kind), KindSite)
	}
	if strings.TrimSpace(f.Name) == "" {
		p.failf([]string{"name"}, "found none, want a name for the site")
	}
}

func (p *siteParser) places(f siteFile) map[string][]topology.Place {
	places := map[string][]topology.Place{}
	for _, tree := range slices.Sorted(maps.Keys(f.Trees)) {
		if tree == "" || slices.Contains(discoveredTrees, tree) {
			p.failf([]string{"trees", tree}, "found %q, want another name: %s are told by the machines", tree, strings.Join(discoveredTrees, ", "))
			continue
		}
		for _, node := range slices.Sorted(maps.Keys(f.Trees[tree])) {
			path := f.Trees[tree][node]
			at := []string{"trees", tree, node}
			if len(path) == 0 {
				p.failf(at, "found no domain, want at least one, outermost first")
				continue
			}
			for i, domain := range path {
				if strings.TrimSpace(domain) != domain || domain == "" || strings.Contains(domain, "/") {
					p.failf(append(at, strconv.Itoa(i)), "found %q, want a name without / and without spaces at its ends", clipText(domain))
				}
			}
			places[node] = append(places[node], topology.Place{Tree: tree, Path: path})
		}
	}
	return places
}

func (p *siteParser) images(f siteFile) []topology.Image {
	var images []topology.Image
	line := map[string]int{}
	for i, im := range f.Images {
		at := []string{"images", strconv.Itoa(i)}
		here := p.doc.LineOf(at...)
		switch first, twice := line[im.Reference]; {
		case strings.TrimSpace(im.Reference) == "":
			p.failf(at, "found no reference, want one such as registry.example/app:1")
			continue
		case twice:
			p.failf(at, "found %q again, first at line %d: want one entry per image", clipText(im.Reference), first)
			continue
		}
		line[im.Reference] = here
		for j, platform := range im.Platforms {
			if !isPlatform(platform) {
				p.failf(append(at, "platforms", strconv.Itoa(j)), "found %q, want OS/ARCHITECTURE as in linux/riscv64", clipText(platform))
			}
		}
		platforms := slices.Sorted(slices.Values(im.Platforms))
		images = append(images, topology.Image{Reference: im.Reference, Platforms: slices.Compact(platforms),
			UsedBy: im.UsedBy, Source: fmt.Sprintf("%s:%d", p.name, here)})
	}
	return images
}

// isPlatform tells whether text is os/architecture or os/architecture/variant
// (OCI Image Index Specification, "platform").
func isPlatform(text string) bool {
	parts := strings.Split(text, "/")
	if len(parts) != 2 && len(parts) != 3 {
		return false
	}
	return !slices.ContainsFunc(parts, func(part string) bool {
		return part == "" || strings.ContainsFunc(part, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '.' && r != '_' && r != '-'
		})
	})
}
