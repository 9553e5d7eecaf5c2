// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"fmt"
	"math"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/api/resource"

	"tarsia.dev/tarsia/placement"
)

// maxQuantity bounds a quantity's text. Longer numbers cannot be meant, and
// resource.ParseQuantity, which computes exactly, takes a minute for
// "1e100000000" (measured on apimachinery v0.37.2).
const maxQuantity = 40

// overlong says whether text begins as a number that must not reach the quantity
// parser: very many digits, or an exponent of three.
func overlong[T string | []byte](text T) bool {
	n := digits(text, ".+-")
	if n > maxQuantity {
		return true
	}
	if n == 0 || n == len(text) || (text[n] != 'e' && text[n] != 'E') {
		return false
	}
	exponent := text[n+1:]
	if len(exponent) > 0 && (exponent[0] == '+' || exponent[0] == '-') {
		exponent = exponent[1:]
	}
	return digits(exponent, "") >= 3
}

// digits is how many digits and other marks text begins with.
func digits[T string | []byte](text T, marks string) int {
	for i := range len(text) {
		if c := text[i]; (c < '0' || c > '9') && strings.IndexByte(marks, c) < 0 {
			return i
		}
	}
	return len(text)
}

// suspicious says whether a string or number of valid JSON is overlong, or hides
// its beginning in an escape. The tree is then checked before it is decoded.
func suspicious(raw []byte) bool {
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case c == '"':
			text := raw[i+1:]
			if overlong(text) || text[digits(text, ".+-eE")] == '\\' {
				return true
			}
			for i++; raw[i] != '"'; i++ {
				if raw[i] == '\\' {
					i++
				}
			}
		case c == '-' || '0' <= c && c <= '9':
			if overlong(raw[i:]) {
				return true
			}
			i += digits(raw[i:], ".+-eE") - 1
		}
	}
	return false
}

// checkQuantity checks that a scalar is a quantity.
func checkQuantity(n *yaml.Node) error {
	const wanted = "wanted a quantity such as 500m, 2 or 16Gi"
	switch {
	case n.Kind != yaml.ScalarNode:
		return fmt.Errorf("found no scalar, %s", wanted)
	case len(n.Value) > maxQuantity || overlong(n.Value):
		return fmt.Errorf("found %s, %s", quoted(n.Value), wanted)
	}
	if _, err := resource.ParseQuantity(n.Value); err != nil {
		return fmt.Errorf("found %s, %s", quoted(n.Value), wanted)
	}
	return nil
}

// amount is a quantity in the engine's unit: CPU in thousandths, all else by its
// own value; a fraction is rounded up, as the scheduler does.
func amount(name string, q resource.Quantity) (int64, error) {
	limit := int64(math.MaxInt64)
	if name == placement.CPU {
		limit /= 1000
	}
	switch {
	case q.Sign() < 0:
		return 0, fmt.Errorf("found %s, wanted 0 or more", q.String())
	case q.CmpInt64(limit) > 0:
		return 0, fmt.Errorf("found %s, wanted at most %d", q.String(), limit)
	case name == placement.CPU:
		return q.MilliValue(), nil
	}
	v := q.Value()
	if isDevice(name) && q.CmpInt64(v) != 0 {
		return 0, fmt.Errorf("found %s, wanted a whole number", q.String())
	}
	return v, nil
}

// add sums two amounts; ok is false where the sum cannot be held.
func add(a, b int64) (sum int64, ok bool) {
	if a > math.MaxInt64-b {
		return 0, false
	}
	return a + b, true
}
