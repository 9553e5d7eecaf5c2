// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// maxRows bounds how many rows of a table are read.
const maxRows = 1 << 22

const mebibyte = 1 << 20

// ReadOpenBNodes reads a node list of the Alibaba GPU trace of 2023
// (cluster-trace-gpu-v2023): columns sn, cpu_milli, memory_mib, gpu, model. File
// is the name for errors, which name line, column and what was wanted.
func ReadOpenBNodes(r io.Reader, file string) ([]Node, error) {
	t, err := newTable(r, file, []string{"sn", "cpu_milli", "memory_mib", "gpu", "model"}, nil)
	if err != nil {
		return nil, err
	}
	var nodes []Node
	for t.row() {
		n := Node{Name: t.text("sn"), Model: t.text("model")}
		n.CPUMilli = t.number("cpu_milli", maxAmount)
		n.MemoryBytes = t.number("memory_mib", maxAmount/mebibyte) * mebibyte
		n.GPUs = int(t.number("gpu", maxGPUs))
		nodes = append(nodes, n)
	}
	return nodes, t.err
}

// ReadOpenBJobs reads a pod list of the same trace: columns name, cpu_milli,
// memory_mib, num_gpu, gpu_milli, and where present gpu_spec, creation_time,
// deletion_time. Every pod is a job. Times that are absent make a job that
// arrives at 0 and never ends.
func ReadOpenBJobs(r io.Reader, file string) ([]Job, error) {
	t, err := newTable(r, file, []string{"name", "cpu_milli", "memory_mib", "num_gpu", "gpu_milli"}, []string{"gpu_spec", "qos", "creation_time", "deletion_time"})
	if err != nil {
		return nil, err
	}
	var jobs []Job
	for t.row() {
		j := Job{Name: t.text("name"), Pods: 1}
		j.CPUMilli = t.number("cpu_milli", maxAmount)
		j.MemoryBytes = t.number("memory_mib", maxAmount/mebibyte) * mebibyte
		if j.GPUs = int(t.number("num_gpu", maxGPUs)); j.GPUs > 0 {
			j.GPUMilli = t.number("gpu_milli", wholeGPU)
			if spec := t.text("gpu_spec"); spec != "" {
				j.Models = slices.DeleteFunc(strings.Split(spec, "|"), func(m string) bool { return m == "" })
			}
		}
		// Production pods that must answer people come before batch.
		if q := t.text("qos"); q == "LS" || q == "Guaranteed" {
			j.Priority = 1
		}
		if t.text("creation_time") != "" {
			j.Arrival = t.number("creation_time", maxAmount)
		}
		if t.text("deletion_time") != "" {
			end := t.number("deletion_time", maxAmount)
			if end < j.Arrival {
				t.fail("deletion_time", strconv.FormatInt(end, 10), "a time not before creation_time")
			}
			j.Duration = new(end - j.Arrival)
		}
		if t.err == nil {
			if err := j.check(); err != nil {
				t.err = fmt.Errorf("read %s:%d: pod %q: %w", file, t.line, short(j.Name), err)
			}
		}
		jobs = append(jobs, j)
	}
	slices.SortStableFunc(jobs, func(a, b Job) int { return int(min(1, max(-1, a.Arrival-b.Arrival))) })
	return jobs, t.err
}

// maxAmount keeps sums over a trace within a word.
const maxAmount = 1 << 50

// table reads rows of CSV by the names of their columns.
type table struct {
	r      *csv.Reader
	file   string
	column map[string]int
	fields []string
	line   int
	rows   int
	err    error
}

// newTable reads the header. Columns beyond the known ones are passed over.
func newTable(r io.Reader, file string, want, known []string) (*table, error) {
	t := &table{r: csv.NewReader(r), file: file, column: map[string]int{}}
	t.r.ReuseRecord = true
	header, err := t.r.Read()
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = fmt.Errorf("it is empty, want a header %q", strings.Join(want, ","))
		}
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	for i, name := range header {
		if _, dup := t.column[name]; dup && slices.Contains(append(slices.Clone(want), known...), name) {
			return nil, fmt.Errorf("read %s:1: column %q comes twice", file, short(name))
		}
		t.column[name] = i
	}
	for _, name := range want {
		if _, ok := t.column[name]; !ok {
			return nil, fmt.Errorf("read %s:1: found columns %q, want %q among them", file, short(strings.Join(header, ",")), name)
		}
	}
	return t, nil
}

// row moves to the next row; false at the end and after an error.
func (t *table) row() bool {
	if t.err != nil {
		return false
	}
	fields, err := t.r.Read()
	if errors.Is(err, io.EOF) {
		return false
	}
	if err != nil {
		t.err = fmt.Errorf("read %s: %w", t.file, err)
		return false
	}
	if t.rows++; t.rows > maxRows {
		t.err = fmt.Errorf("read %s: it has more than %d rows", t.file, maxRows)
		return false
	}
	t.fields = fields
	t.line, _ = t.r.FieldPos(0)
	return true
}

// text is a field; "" where the column is absent.
func (t *table) text(column string) string {
	at, ok := t.column[column]
	if !ok || at >= len(t.fields) {
		return ""
	}
	return strings.Clone(t.fields[at])
}

// number is a whole number from 0 to most. A decimal fraction of zeros, as
// spreadsheets write, is one.
func (t *table) number(column string, most int64) int64 {
	text := t.text(column)
	whole, fraction, _ := strings.Cut(text, ".")
	v, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || v < 0 || v > most || strings.Trim(fraction, "0") != "" {
		t.fail(column, text, fmt.Sprintf("a whole number from 0 to %d", most))
		return 0
	}
	return v
}

// fail keeps the first error.
func (t *table) fail(column, found, want string) {
	if t.err == nil {
		t.err = fmt.Errorf("read %s:%d: column %s: found %q, want %s", t.file, t.line, column, short(found), want)
	}
}

// short cuts text from outside for a message.
func short(s string) string {
	if len(s) > 60 {
		return s[:60] + "..."
	}
	return s
}
