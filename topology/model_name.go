// SPDX-License-Identifier: Apache-2.0

package topology

import "strings"

// ShortModel is the model as people say it, "H100", "GB200", "MI300X": without
// the maker, the product line and the memory. It is "PCI vendor" words such as
// "nvidia" where no model is known, and is for display, never for comparison.
func (a Accelerator) ShortModel() string {
	words := strings.Fields(a.Model)
	for len(words) > 1 {
		switch strings.ToLower(words[0]) {
		case "nvidia", "amd", "intel", "intel(r)", "instinct", "tesla", "synthetic":
			words = words[1:]
			continue
		}
		break
	}
	for i, w := range words {
		if i > 0 && (strings.HasSuffix(w, "GB") || strings.HasPrefix(w, "HBM") || strings.HasPrefix(w, "(") || w == "PCIe" || w == "SXM") {
			words = words[:i]
			break
		}
	}
	if len(words) == 0 {
		return a.Vendor
	}
	return strings.Join(words, " ")
}
