// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"tarsia.dev/tarsia/placement"
)

// maxLine bounds one line of a trace.
const maxLine = 1 << 20

// nodeLine and jobLine are the neutral trace format: one JSON object a line.
type nodeLine struct {
	Name        string            `json:"name"`
	CPUMilli    int64             `json:"cpuMilli"`
	MemoryBytes int64             `json:"memoryBytes"`
	GPUs        int               `json:"gpus"`
	Model       string            `json:"model"`
	Domains     map[string]string `json:"domains"`
	PerHour     *int64            `json:"perHourMilli"`
}

type jobLine struct {
	Name        string   `json:"name"`
	Arrival     int64    `json:"arrival"`
	Duration    *int64   `json:"duration"`
	Priority    int32    `json:"priority"`
	Pods        *int     `json:"pods"`
	CPUMilli    int64    `json:"cpuMilli"`
	MemoryBytes int64    `json:"memoryBytes"`
	GPUs        int      `json:"gpus"`
	GPUMilli    *int64   `json:"gpuMilli"`
	Models      []string `json:"models"`
	Level       string   `json:"level"`
	Required    bool     `json:"required"`
}

// ReadNodes reads the nodes of a trace, one JSON object a line:
//
//	{"name":"n1","cpuMilli":64000,"memoryBytes":274877906944,"gpus":8,"model":"H100","domains":{"rack":"r1"},"perHourMilli":25000}
//
// Only name and cpuMilli must be there. File is the name for errors, which name
// the line, what was found and what was wanted.
func ReadNodes(r io.Reader, file string) ([]Node, error) {
	var nodes []Node
	err := eachLine(r, file, func(data []byte) error {
		var l nodeLine
		if err := decode(data, &l); err != nil {
			return err
		}
		switch {
		case l.Name == "":
			return errors.New("found no name, want one")
		case l.CPUMilli < 0 || l.CPUMilli > maxAmount || l.MemoryBytes < 0 || l.MemoryBytes > maxAmount:
			return fmt.Errorf("found cpuMilli %d and memoryBytes %d, want 0 to %d", l.CPUMilli, l.MemoryBytes, int64(maxAmount))
		case l.GPUs < 0 || l.GPUs > maxGPUs:
			return fmt.Errorf("found %d gpus, want 0 to %d", l.GPUs, maxGPUs)
		case l.PerHour != nil && (*l.PerHour < 0 || *l.PerHour > maxAmount):
			return fmt.Errorf("found perHourMilli %d, want 0 to %d", *l.PerHour, int64(maxAmount))
		}
		n := Node{Name: l.Name, CPUMilli: l.CPUMilli, MemoryBytes: l.MemoryBytes, GPUs: l.GPUs, Model: l.Model, PerHour: l.PerHour}
		for _, level := range slices.Sorted(maps.Keys(l.Domains)) {
			n.Domains = append(n.Domains, placement.Domain{Level: level, ID: l.Domains[level]})
		}
		nodes = append(nodes, n)
		return nil
	})
	return nodes, err
}

// ReadJobs reads the jobs of a trace, one JSON object a line:
//
//	{"name":"j1","arrival":0,"duration":3600,"priority":1,"pods":4,"cpuMilli":8000,"gpus":8,"models":["H100"],"level":"rack","required":true}
//
// Pods is 1 where absent, gpuMilli 1000, a duration that is absent never ends.
// The jobs come back in the order of arrival.
func ReadJobs(r io.Reader, file string) ([]Job, error) {
	var jobs []Job
	err := eachLine(r, file, func(data []byte) error {
		var l jobLine
		if err := decode(data, &l); err != nil {
			return err
		}
		j := Job{
			Name: l.Name, Arrival: l.Arrival, Duration: l.Duration, Priority: l.Priority, Pods: 1,
			CPUMilli: l.CPUMilli, MemoryBytes: l.MemoryBytes, GPUs: l.GPUs, Models: l.Models, Level: l.Level, Required: l.Required,
		}
		if l.Pods != nil {
			j.Pods = *l.Pods
		}
		if l.GPUs > 0 {
			j.GPUMilli = wholeGPU
			if l.GPUMilli != nil {
				j.GPUMilli = *l.GPUMilli
			}
		}
		if l.Name == "" {
			return errors.New("found no name, want one")
		}
		if max(l.Arrival, l.CPUMilli, l.MemoryBytes) > maxAmount || l.Duration != nil && *l.Duration > maxAmount {
			return fmt.Errorf("found an amount above %d, want less", int64(maxAmount))
		}
		jobs = append(jobs, j)
		return j.check()
	})
	slices.SortStableFunc(jobs, func(a, b Job) int { return cmp.Compare(a.Arrival, b.Arrival) })
	return jobs, err
}

// decode reads one object strictly.
func decode(data []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("found %q, want one object of the trace format: %w", short(string(data)), err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("found %q, want one object and no more", short(string(data)))
	}
	return nil
}

// eachLine calls f with every line that is not blank.
func eachLine(r io.Reader, file string, f func(data []byte) error) error {
	s := bufio.NewScanner(r)
	s.Buffer(nil, maxLine)
	line, rows := 0, 0
	for s.Scan() {
		line++
		data := bytes.TrimSpace(s.Bytes())
		if len(data) == 0 {
			continue
		}
		if rows++; rows > maxRows {
			return fmt.Errorf("read %s:%d: it has more than %d rows", file, line, maxRows)
		}
		if err := f(data); err != nil {
			return fmt.Errorf("read %s:%d: %w", file, line, err)
		}
	}
	if err := s.Err(); err != nil {
		return fmt.Errorf("read %s:%d: %w", file, line+1, err)
	}
	return nil
}
