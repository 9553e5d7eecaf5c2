// SPDX-License-Identifier: Apache-2.0

// Package procfs reads /proc: processors, memory, modules, the command line,
// and what this process may use. Each parser is a function of bytes; beside it
// stands the reader that opens the file of a machine. Nothing is joined here;
// package discover does that.
//
// A file that is not there gives an error for which
// errors.Is(err, fs.ErrNotExist) holds. A parse error names path, line, what
// was found and what was wanted.
package procfs

import (
	"bytes"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"tarsia.dev/tarsia/cpuset"
	"tarsia.dev/tarsia/machine"
)

// CPUInfo is /proc/cpuinfo in the dialect of its architecture (kernel
// arch/*/kernel/setup.c, "show_cpuinfo"): one block of fields per online
// processor, and fields that belong to all. Values are as the kernel wrote
// them.
type CPUInfo struct {
	CPUs   []Processor // in the order of the file, each number once
	Common []Field     // outside of any processor's block
}

// Processor is one block of /proc/cpuinfo.
type Processor struct {
	Number int // the kernel's CPU number, not a hart or APIC id
	Fields []Field
}

// Field is one line "key : value" without the white space around either.
type Field struct {
	Key   string
	Value string
}

// Get returns the first value of key, and whether there is such a field.
func Get(fields []Field, key string) (string, bool) {
	i := slices.IndexFunc(fields, func(f Field) bool { return f.Key == key })
	if i < 0 {
		return "", false
	}
	return fields[i].Value, true
}

// Get returns the first value of key in the processor's block.
func (p Processor) Get(key string) (string, bool) { return Get(p.Fields, key) }

// First returns the first value of key: of the first processor that has it,
// else of the common fields.
func (c *CPUInfo) First(key string) (string, bool) {
	for _, p := range c.CPUs {
		if v, ok := p.Get(key); ok {
			return v, true
		}
	}
	return Get(c.Common, key)
}

// Numbers returns the processors of the file, which are the online ones.
func (c *CPUInfo) Numbers() cpuset.Set {
	numbers := make([]int, len(c.CPUs))
	for i, p := range c.CPUs {
		numbers[i] = p.Number
	}
	return cpuset.Of(numbers...)
}

// ReadCPUInfo reads proc/cpuinfo.
func ReadCPUInfo(m *machine.Machine) (*CPUInfo, error) {
	data, err := m.ReadFile("proc/cpuinfo")
	if err != nil {
		return nil, err
	}
	return ParseCPUInfo(data)
}

// ParseCPUInfo reads every dialect: "processor : 0" begins a block on most
// architectures; s390x has lines "processor 0: version = FF, ..." and, since
// Linux 4.10, blocks that begin "cpu number : 0"; 32-bit Arm puts the fields of
// all processors into a block without a number. Lines without a colon are
// skipped. The error is about a processor number that is none, or that comes
// twice.
func ParseCPUInfo(data []byte) (*CPUInfo, error) {
	info := &CPUInfo{}
	seen := map[int]int{} // number to index in CPUs
	current := -1
	for n, line := range lines(data) {
		key, value, ok := strings.Cut(line, ":")
		if !ok {
			if strings.TrimSpace(line) == "" {
				current = -1
			}
			continue
		}
		field := Field{strings.TrimSpace(key), strings.TrimSpace(value)}
		number, s390, begins := "", false, false
		switch {
		case field.Key == "processor", field.Key == "cpu number":
			number, begins = field.Value, true
		case strings.HasPrefix(field.Key, "processor "):
			number, s390, begins = field.Key[len("processor "):], true, true
		}
		if !begins {
			if current < 0 {
				info.Common = append(info.Common, field)
			} else {
				info.CPUs[current].Fields = append(info.CPUs[current].Fields, field)
			}
			continue
		}
		cpu, err := strconv.ParseUint(number, 10, 32)
		if err != nil || cpu > cpuset.Max {
			return nil, lineError("proc/cpuinfo", n, line, fmt.Sprintf("a processor number up to %d", cpuset.Max))
		}
		i, again := seen[int(cpu)]
		switch {
		case !again:
			i = len(info.CPUs)
			seen[int(cpu)] = i
			info.CPUs = append(info.CPUs, Processor{Number: int(cpu)})
		case field.Key != "cpu number":
			// s390x alone tells of a processor in two places.
			return nil, lineError("proc/cpuinfo", n, line, "each processor once")
		}
		if s390 {
			info.CPUs[i].Fields = append(info.CPUs[i].Fields, Field{"processor", field.Value})
			continue // one line; the next belongs to no block
		}
		current = i
	}
	return info, nil
}

// lines yields the lines of data with their numbers from 1.
func lines(data []byte) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		n := 0
		for line := range bytes.Lines(data) {
			n++
			if !yield(n, strings.TrimRight(string(line), "\r\n")) {
				return
			}
		}
	}
}

func lineError(path string, line int, found, want string) error {
	if len(found) > 60 {
		found = found[:60] + "..."
	}
	return fmt.Errorf("parse %s:%d: found %q, want %s", path, line, found, want)
}
