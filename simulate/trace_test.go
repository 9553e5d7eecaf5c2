// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/placement"
)

const (
	openbNodes = "sn,cpu_milli,memory_mib,gpu,model\nn1,64000,1024,2,P100\nn2,32000,2048,0,\n"
	openbJobs  = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time\n" +
		"late,1000,1,1,460,P100|T4,LS,Running,20,30,21\nearly,2000,2,2,1000,,BE,Running,10,10,\ncpu,500,1,0,0,,BE,Running,10,,\n"
	ownNodes = `{"name":"n1","cpuMilli":64000,"memoryBytes":1073741824,"gpus":2,"model":"P100","domains":{"rack":"r1"},"perHourMilli":900}` + "\n\n" + `{"name":"n2","cpuMilli":1000}` + "\n"
	ownJobs  = `{"name":"j2","arrival":5,"cpuMilli":1000,"gpus":1,"gpuMilli":500}` + "\n" + `{"name":"j1","duration":60,"pods":4,"cpuMilli":1000,"gpus":8,"models":["H100"],"level":"rack","required":true,"priority":2}` + "\n"
)

func TestReadOpenB(t *testing.T) {
	nodes, err := ReadOpenBNodes(strings.NewReader(openbNodes), "nodes.csv")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]Node{{Name: "n1", CPUMilli: 64000, MemoryBytes: 1 << 30, GPUs: 2, Model: "P100"}, {Name: "n2", CPUMilli: 32000, MemoryBytes: 2 << 30}}, nodes); d != "" {
		t.Error(d)
	}
	jobs, err := ReadOpenBJobs(strings.NewReader(openbJobs), "pods.csv")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]Job{
		{Name: "early", Arrival: 10, Duration: new(int64(0)), Pods: 1, CPUMilli: 2000, MemoryBytes: 2 << 20, GPUs: 2, GPUMilli: 1000},
		{Name: "cpu", Arrival: 10, Pods: 1, CPUMilli: 500, MemoryBytes: 1 << 20},
		{Name: "late", Arrival: 20, Duration: new(int64(10)), Priority: 1, Pods: 1, CPUMilli: 1000, MemoryBytes: 1 << 20, GPUs: 1, GPUMilli: 460, Models: []string{"P100", "T4"}},
	}, jobs); d != "" {
		t.Error(d)
	}
}

func TestReadOwn(t *testing.T) {
	nodes, err := ReadNodes(strings.NewReader(ownNodes), "nodes.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]Node{
		{Name: "n1", CPUMilli: 64000, MemoryBytes: 1 << 30, GPUs: 2, Model: "P100", Domains: []placement.Domain{{Level: "rack", ID: "r1"}}, PerHour: new(int64(900))},
		{Name: "n2", CPUMilli: 1000},
	}, nodes); d != "" {
		t.Error(d)
	}
	jobs, err := ReadJobs(strings.NewReader(ownJobs), "jobs.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]Job{
		{Name: "j1", Duration: new(int64(60)), Priority: 2, Pods: 4, CPUMilli: 1000, GPUs: 8, GPUMilli: 1000, Models: []string{"H100"}, Level: "rack", Required: true},
		{Name: "j2", Arrival: 5, Pods: 1, CPUMilli: 1000, GPUs: 1, GPUMilli: 500},
	}, jobs); d != "" {
		t.Error(d)
	}
}

func TestReadErrors(t *testing.T) {
	openb := func(s string) error { _, err := ReadOpenBJobs(strings.NewReader(s), "f"); return err }
	nodes := func(s string) error { _, err := ReadOpenBNodes(strings.NewReader(s), "f"); return err }
	own := func(s string) error { _, err := ReadJobs(strings.NewReader(s), "f"); return err }
	for _, c := range []struct {
		name string
		read func(string) error
		in   string
		want string
	}{
		{"empty", nodes, "", "read f: it is empty, want a header"},
		{"column", nodes, "sn,cpu_milli\n", `read f:1: found columns "sn,cpu_milli", want "memory_mib" among them`},
		{"number", nodes, "sn,cpu_milli,memory_mib,gpu,model\nn1,many,1,1,T4\n", `read f:2: column cpu_milli: found "many", want a whole number from 0 to`},
		{"many GPUs", nodes, "sn,cpu_milli,memory_mib,gpu,model\nn1,1,1,65,T4\n", `read f:2: column gpu: found "65", want a whole number from 0 to 64`},
		{"ends first", openb, "name,cpu_milli,memory_mib,num_gpu,gpu_milli,creation_time,deletion_time\np,1,1,0,0,9,8\n", `read f:2: column deletion_time: found "8", want a time not before creation_time`},
		{"share of two", openb, "name,cpu_milli,memory_mib,num_gpu,gpu_milli\np,1,1,2,500\n", `read f:2: pod "p": it asks for a share of 2 GPUs`},
		{"field", own, `{"name":"a","cpus":1}`, `read f:1: found "{\"name\":\"a\",\"cpus\":1}", want one object of the trace format: json: unknown field "cpus"`},
		{"two", own, "\n" + `{"name":"a","cpuMilli":1} {}`, "read f:2: found"},
		{"nothing", own, `{"name":"a"}`, "read f:1: it asks for nothing, want CPU, memory or a GPU"},
		{"long", own, strings.Repeat("x", maxLine+1), "read f:1: bufio.Scanner: token too long"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.read(c.in); err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func FuzzTrace(f *testing.F) {
	for _, s := range []string{openbNodes, openbJobs, ownNodes, ownJobs} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		in := func() *strings.Reader { return strings.NewReader(string(data)) }
		trace := Trace{Nodes: []Node{{Name: "n"}}}
		if jobs, err := ReadOpenBJobs(in(), "f"); err == nil {
			check(t, trace, jobs)
		}
		if jobs, err := ReadJobs(in(), "f"); err == nil {
			check(t, trace, jobs)
		}
		for _, read := range []func() ([]Node, error){
			func() ([]Node, error) { return ReadNodes(in(), "f") },
			func() ([]Node, error) { return ReadOpenBNodes(in(), "f") },
		} {
			if nodes, err := read(); err == nil && capacity(nodes) < 0 {
				t.Errorf("negative capacity from %q", data)
			}
		}
	})
}

// check shows that what was read is a trace once its names are in order.
func check(t *testing.T, trace Trace, jobs []Job) {
	t.Helper()
	seen := map[string]bool{}
	for _, j := range jobs {
		if j.Name != "" && !seen[j.Name] {
			trace.Jobs = append(trace.Jobs, j)
		}
		seen[j.Name] = true
	}
	if err := trace.Check(); err != nil {
		t.Error(err)
	}
}
