// SPDX-License-Identifier: Apache-2.0

package topology_test

import (
	"strings"
	"testing"

	"tarsia.dev/tarsia/topology"
)

func TestACS(t *testing.T) {
	for _, c := range []struct {
		name                string
		capability, control uint16
		enabled             string
		isolates            bool
	}{
		{"none", 0, 0, "", false},
		{"all on", 0x5f, 0x1d, "SrcValid ReqRedir CmpltRedir UpstreamFwd", true},
		{"one off", 0x5f, 0x15, "SrcValid ReqRedir UpstreamFwd", false},
		{"what is not there need not be on", 0x0c, 0x0c, "ReqRedir CmpltRedir", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := topology.NewACS(c.capability, c.control)
			if got := strings.Join(a.Enabled, " "); got != c.enabled || a.Isolates() != c.isolates {
				t.Errorf("enabled %q, isolates %v; want %q, %v", got, a.Isolates(), c.enabled, c.isolates)
			}
		})
	}
}
