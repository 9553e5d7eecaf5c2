// SPDX-License-Identifier: Apache-2.0

package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tarsia.dev/tarsia/finding"
	"tarsia.dev/tarsia/topology"
)

func imageChecks() []Check {
	return []Check{{
		ID: "TAR-IMG-001", Area: AreaImages, Title: "Every image has every architecture of the fleet", Run: imagePlatforms,
		Explain: `
Compares the platforms of each image that the site runs with the architectures
of the fleet's nodes.

PASS: every image of known platforms offers linux/ARCH for each of them.
WARN: an image lacks one; a workload that is not pinned to the others will
fail there with "exec format error" or never be pulled.

Images of unknown platforms are TAR-IMG-002; a fleet without images gets no
finding.`,
		Cost: "Pods of this image fail on, or keep away from, part of the fleet.",
		Fix:  "Build the missing platform (docker buildx build --platform), or pin the workload with kubernetes.io/arch.",
	}, {
		ID: "TAR-IMG-002", Area: AreaImages, Title: "The platforms of every image are known", Run: imageUnknown,
		Explain: `
Looks for images of the site whose platforms nobody wrote down or could read.

PASS: the platforms of every image are known.
UNKNOWN: an image's platforms are not known, so nobody can say where it runs.`,
		Cost: "Whether the image starts on a node is found out by starting it.",
		Fix:  "List the image's platforms in the site file, as its index in the registry has them.",
	}}
}

// fleetPlatforms are the platforms that an image needs to run on every node.
func fleetPlatforms(f *topology.Fleet) []string {
	var out []string
	for _, n := range f.Nodes {
		if n.Architecture != "" && n.Architecture != "unknown" {
			out = append(out, "linux/"+n.Architecture)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// offers tells whether an image has a platform; a variant ("linux/arm64/v8")
// counts as its architecture.
func offers(i topology.Image, platform string) bool {
	return slices.ContainsFunc(i.Platforms, func(p string) bool { return p == platform || strings.HasPrefix(p, platform+"/") })
}

func imagePlatforms(f *topology.Fleet) []finding.Finding {
	wanted := fleetPlatforms(f)
	var out []finding.Finding
	complete := 0
	for _, i := range f.Images {
		if len(i.Platforms) == 0 || len(wanted) == 0 {
			continue
		}
		missing := slices.DeleteFunc(slices.Clone(wanted), func(p string) bool { return offers(i, p) })
		if len(missing) == 0 {
			complete++
			continue
		}
		nodes := 0
		for _, n := range f.Nodes {
			if slices.Contains(missing, "linux/"+n.Architecture) {
				nodes++
			}
		}
		out = append(out, finding.Finding{State: finding.Warn,
			Summary:  fmt.Sprintf("%s has no %s: %s of %d cannot run it", i.Reference, strings.Join(missing, ", "), count(nodes, "node"), len(f.Nodes)),
			Subjects: append([]string{"image/" + i.Reference}, i.UsedBy...),
			Evidence: []finding.Evidence{{Source: cmp.Or(i.Source, "image index"), Found: strings.Join(i.Platforms, " "), Wanted: strings.Join(wanted, " ")}}})
	}
	if len(out) == 0 && complete > 0 {
		return pass("platforms of the site's images", count(complete, "image"), count(complete, "image")+" of known platforms, each for "+strings.Join(wanted, ", "))
	}
	return out
}

func imageUnknown(f *topology.Fleet) []finding.Finding {
	var out []finding.Finding
	for _, i := range f.Images {
		if len(i.Platforms) == 0 {
			out = append(out, finding.Finding{State: finding.Unknown,
				Summary:  i.Reference + ": platforms not known",
				Subjects: append([]string{"image/" + i.Reference}, i.UsedBy...),
				Evidence: []finding.Evidence{{Source: cmp.Or(i.Source, "image index"), Found: "no platforms", Wanted: "platforms such as linux/amd64"}}})
		}
	}
	if len(out) == 0 && len(f.Images) > 0 {
		return pass("platforms of the site's images", count(len(f.Images), "image"), count(len(f.Images), "image")+" of known platforms")
	}
	return out
}
