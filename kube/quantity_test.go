// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"strings"
	"testing"
)

func TestSuspicious(t *testing.T) {
	tests := map[string]bool{
		`{"a": "16Gi", "b": 4, "c": [-1.5e10, "1e99"]}`: false,
		`{"uid": "1e123"}`:                                             true,
		`{"image": "sha256:1e1234567890"}`:                             false,
		`{"image": "a\"1e1234567890"}`:                                 false,
		`{"cpu": "1e100000000"}`:                                       true,
		`{"cpu": "1E-100"}`:                                            true,
		`{"cpu": "\u0031e100000000"}`:                                  true,
		`{"cpu": "1\u0065100000000"}`:                                  true,
		`{"cpu": 1e1000}`:                                              true,
		`{"cpu": "` + strings.Repeat("7", maxQuantity) + `"}`:          false,
		`{"cpu": "` + strings.Repeat("7", maxQuantity+1) + `"}`:        true,
		`{"cpu": ` + strings.Repeat("7", maxQuantity+1) + `}`:          true,
		`"` + strings.Repeat("a", 100) + strings.Repeat("7", 50) + `"`: false,
		`7`:  false,
		`""`: false,
	}
	for text, want := range tests {
		if got := suspicious([]byte(text)); got != want {
			t.Errorf("%s: got %t, want %t", text, got, want)
		}
	}
}
