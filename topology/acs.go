// SPDX-License-Identifier: Apache-2.0

package topology

import "slices"

// ACS is Access Control Services of a port or function (PCI Express Base
// Specification 6.0, section 7.7.11): what keeps peers below it from reaching
// each other past the IOMMU. Both lists are empty where the function has no such
// capability; the whole is nil where configuration space could not be read as
// far.
type ACS struct {
	Supported []string `json:"supported"`
	Enabled   []string `json:"enabled"`
}

// acsBits are the words of the capability and control registers by bit, in
// lspci's spelling.
var acsBits = [...]string{"SrcValid", "TransBlk", "ReqRedir", "CmpltRedir", "UpstreamFwd", "EgressCtrl", "DirectTrans"}

// acsIsolation is what the kernel wants before it gives the functions below a
// port groups of their own (REQ_ACS_FLAGS, drivers/iommu/iommu.c).
var acsIsolation = []string{"SrcValid", "ReqRedir", "CmpltRedir", "UpstreamFwd"}

// NewACS names the bits of the capability and control registers.
func NewACS(capability, control uint16) *ACS {
	a := &ACS{Supported: []string{}, Enabled: []string{}}
	for bit, word := range acsBits {
		if capability&(1<<bit) != 0 {
			a.Supported = append(a.Supported, word)
		}
		if control&(1<<bit) != 0 {
			a.Enabled = append(a.Enabled, word)
		}
	}
	return a
}

// Isolates tells whether what is below is kept apart as the kernel demands:
// every one of the four services that the function has is on, and it has some.
func (a *ACS) Isolates() bool {
	if len(a.Supported) == 0 {
		return false
	}
	for _, word := range acsIsolation {
		if slices.Contains(a.Supported, word) && !slices.Contains(a.Enabled, word) {
			return false
		}
	}
	return true
}
