// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"

	"tarsia.dev/tarsia/isa"
	"tarsia.dev/tarsia/placement"
	"tarsia.dev/tarsia/topology"
)

// platforms tells the images of gangs their platforms, as far as the site names
// them: an image that it does not name asks nothing of a node. What could not be
// read is in the notes.
func platforms(fleet *topology.Fleet, gangs []placement.Gang) (notes []string) {
	known := map[string][]isa.Platform{}
	for _, i := range fleet.Images {
		for _, text := range i.Platforms {
			p, err := isa.ParsePlatform(text)
			if err != nil {
				notes = append(notes, fmt.Sprintf("image %s: %v; its platforms are not looked at", i.Reference, err))
				delete(known, i.Reference)
				break
			}
			known[i.Reference] = append(known[i.Reference], p)
		}
	}
	for _, g := range gangs {
		for s := range g.PodSets {
			images := slices.Clone(g.PodSets[s].Shape.Images)
			for i := range images {
				images[i].Platforms = known[images[i].Reference]
			}
			g.PodSets[s].Shape.Images = images
		}
	}
	return notes
}
