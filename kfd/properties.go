// SPDX-License-Identifier: Apache-2.0

package kfd

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"tarsia.dev/tarsia/machine"
)

// Properties is one properties file: the driver's names and unsigned values. A
// name that is not there reads as 0, as in the driver's own library.
type Properties map[string]uint64

// maxProperties bounds the lines of one file; the driver writes some 45.
const maxProperties = 1024

// ParseProperties reads lines "name value". The error names the line.
func ParseProperties(data []byte) (Properties, error) {
	p := Properties{}
	number := 0
	for line := range strings.SplitSeq(string(data), "\n") {
		number++
		line = strings.Trim(line, " \t\r\x00")
		if line == "" {
			continue
		}
		name, text, _ := strings.Cut(line, " ")
		value, err := strconv.ParseUint(strings.TrimSpace(text), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("line %d: found %q, want a name and a number", number, clip(line))
		}
		if len(p) == maxProperties {
			return nil, fmt.Errorf("line %d: found more than %d properties", number, maxProperties)
		}
		p[name] = value
	}
	return p, nil
}

// count returns a small number; what does not fit reads as the largest int32.
func (p Properties) count(name string) int { return int(min(p[name], math.MaxInt32)) }

func properties(m *machine.Machine, dir string) (Properties, error) {
	name := dir + "/properties"
	data, err := m.ReadFile(name)
	if err != nil {
		return nil, err
	}
	p, err := ParseProperties(data)
	if err != nil {
		return nil, fmt.Errorf("parse %s: %w", name, err)
	}
	return p, nil
}

func clip(text string) string {
	if len(text) > 40 {
		return text[:40] + "..."
	}
	return text
}
