// SPDX-License-Identifier: Apache-2.0

package pci

import "slices"

// VendorUnknown is the vendor word of an accelerator whose maker is not in the
// table of Vendor.
const VendorUnknown = "unknown"

// vendors are accelerator makers by PCI vendor id (the PCI-SIG's member list, as
// pci.ids carries it), each spelled as its own tools spell it, in lower case.
var vendors = map[ID]string{
	VendorNVIDIA: "nvidia",
	VendorAMD:    "amd", // ATI's id, which every Radeon and Instinct carries
	VendorAMDCPU: "amd",
	VendorIntel:  "intel",
	0x0014:       "loongson",
	0x0731:       "jingjia",
	0x0ccd:       "preferred-networks",
	0x10ee:       "xilinx",
	0x17cb:       "qualcomm",
	0x19e5:       "huawei",
	0x1ae0:       "google",
	0x1bcf:       "nec", // SX-Aurora vector engines
	0x1d0f:       "amazon",
	0x1d17:       "zhaoxin",
	0x1d22:       "baidu",
	0x1d94:       "hygon",
	0x1d95:       "graphcore",
	0x1d9b:       "meta",
	0x1da3:       "habana",
	0x1de0:       "groq",
	0x1ded:       "alibaba",
	0x1e0d:       "sambanova",
	0x1e36:       "enflame",
	0x1e38:       "blaize",
	0x1e3e:       "iluvatar",
	0x1e52:       "tenstorrent",
	0x1e60:       "hailo",
	0x1e67:       "untether",
	0x1e9f:       "lynxi",
	0x1ec6:       "vastai",
	0x1ed2:       "furiosa",
	0x1ed5:       "moore-threads",
	0x1eff:       "rebellions",
	0x1f82:       "d-matrix",
	0x1f9d:       "axelera",
	0x209f:       "mobilint",
	0x9999:       "metax",
	0xcabc:       "cambricon",
}

// Vendor returns the maker of an accelerator as one lower-case word, or
// VendorUnknown.
func Vendor(id ID) string {
	if name, ok := vendors[id]; ok {
		return name
	}
	return VendorUnknown
}

// serverVGA are the display functions of server-management controllers, and of
// chips that were soldered to server boards for a console and nothing else
// (pci.ids; kernel drivers/gpu/drm/mgag200, ast, hisilicon/hibmc, radeon).
var serverVGA = map[ID][]ID{
	VendorMatrox: {0x0522, 0x0524, 0x0530, 0x0532, 0x0533, 0x0534, 0x0536, 0x0538}, // G200e to G200eH5: Pilot, WPCM450, iLO, iDRAC
	VendorAMD:    {0x474d, 0x474f, 0x4752, 0x515e, 0x5969},                         // Rage XL, ES1000
	0x19e5:       {0x1711},                                                         // HiSilicon iBMC; the vendor's NPUs are other devices
	0x18ca:       {0x0020, 0x0021, 0x0027},                                         // XGI Z7, Z9, Z11
}

// IsServerVGA tells whether a display function is the console of a
// server-management controller (BMC) and no accelerator, although its class is
// 0x03. A chip that is not known as one counts as an accelerator, and so does
// the display that a hypervisor gives to its guests.
func IsServerVGA(vendor, device ID) bool {
	if vendor == VendorASPEED {
		return true // the company makes nothing but BMCs
	}
	return slices.Contains(serverVGA[vendor], device)
}

// IsAccelerator tells whether a function is a GPU or another processing
// accelerator: base class 0x03 (display) without server-management VGA, or 0x12.
func IsAccelerator(class Class, vendor, device ID) bool {
	switch class.Base() {
	case BaseDisplay:
		return !IsServerVGA(vendor, device)
	case BaseAccelerator:
		return true
	}
	return false
}
