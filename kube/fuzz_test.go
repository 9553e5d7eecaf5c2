// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/internal/yamldoc"
)

// asJSON writes YAML manifests as kubectl prints JSON: one value after another.
func asJSON(t testing.TB, data []byte) []byte {
	t.Helper()
	docs, err := yamldoc.Split("f", data)
	if err != nil {
		t.Fatal(err)
	}
	var out []byte
	for _, d := range docs {
		one, err := d.JSON()
		if err != nil {
			t.Fatal(err)
		}
		out = append(append(out, one...), '\n')
	}
	return out
}

// Both notations mean the same.
func TestJSON(t *testing.T) {
	names := []string{"nodes.yaml", "running.yaml", "job.yaml", "jobset.yaml", "podgroup.yaml", "too-big.yaml"}
	yaml := example(t, names...)
	var json []File
	for _, f := range yaml {
		json = append(json, File{f.Name, asJSON(t, f.Data)})
	}
	want, err := Read(yaml)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Read(json)
	if err != nil {
		t.Fatal(err)
	}
	want.Notes, got.Notes = nil, nil // they name lines
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("JSON differs from YAML (-yaml +json):\n%s", diff)
	}
}

// Lines are right in indented JSON too, in a list and after another value.
func TestJSONLines(t *testing.T) {
	text := `{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
{
	"apiVersion": "v1",
	"items": [
		{
			"apiVersion": "v1",
			"kind": "Secret",
			"metadata": {"name": "s"}
		},
		{
			"apiVersion": "batch/v1",
			"kind": "Job",
			"metadata": {"name": "j"},
			"spec": {
				"parallelism": "4",
				"template": {"spec": {"containers": [{"name": "c"}]}}
			}
		}
	],
	"kind": "List"
}`
	_, err := Read([]File{{"f", []byte(text)}})
	const want = `f:15: spec.parallelism: found "4", wanted a whole number of at most 32 bits`
	if err == nil || err.Error() != want {
		t.Errorf("got error %v, want %s", err, want)
	}
	in, err := Read([]File{{"f", []byte(strings.Replace(text, `"4"`, "4", 1))}})
	if err != nil {
		t.Fatal(err)
	}
	wantNotes := []string{"f:1: ConfigMap a is not used", "f:5: Secret s is not used"}
	if diff := cmp.Diff(wantNotes, in.Notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
}

// Many errors are counted, not all shown.
func TestErrorsBounded(t *testing.T) {
	_, err := Read([]File{{"f", []byte(strings.Repeat("---\napiVersion: v1\nkind: Pod\n", 1000))}})
	if err == nil {
		t.Fatal("read without an error")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != maxProblems+1 || lines[maxProblems] != "and 980 more errors" {
		t.Errorf("got %d lines, the last %q, want %d and the number of the others", len(lines), lines[len(lines)-1], maxProblems+1)
	}
}

func TestNoFile(t *testing.T) {
	if in, err := Read(nil); in != nil || err == nil {
		t.Errorf("got %v, %v, want an error", in, err)
	}
}

func FuzzRead(f *testing.F) {
	seeds, err := filepath.Glob("../examples/*.yaml")
	if err != nil || len(seeds) == 0 {
		f.Fatalf("no seeds in examples: %v", err)
	}
	for _, name := range seeds {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		f.Add(asJSON(f, data))
	}
	for _, text := range []string{
		jobSet("alpha.jobset.sigs.k8s.io/exclusive-topology: a/b", "kueue.x-k8s.io/podset-required-topology: a/b"),
		lws("leaderworkerset.sigs.k8s.io/exclusive-topology: a/b", ""),
		nativeGroup + pod("a", "", native) + pod("b", "", native), volcanoPG, coscheduling,
		"apiVersion: v1\nkind: List\nitems: [&a {apiVersion: v1, kind: Node, metadata: {name: &n x}}, *a, {<<: *a}]\n",
		"apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: &s {containers: [{resources: {limits: {cpu: 1e999999999}}}], overhead: *s}\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		in, err := Read([]File{{"f", data}})
		if (in == nil) == (err == nil) {
			t.Fatalf("got %v and error %v, want one of them", in, err)
		}
		again, errAgain := Read([]File{{"f", data}})
		if diff := cmp.Diff(in, again); diff != "" {
			t.Fatalf("read twice, differently:\n%s", diff)
		}
		if err != nil {
			if !strings.HasPrefix(err.Error(), "f:") || errAgain == nil || err.Error() != errAgain.Error() {
				t.Fatalf("error %q, then %v, want both alike, beginning with the file", err, errAgain)
			}
			return
		}
		var pods int
		for _, g := range in.Gangs {
			if len(g.PodSets) == 0 {
				t.Fatalf("gang %q has no pods", g.Name)
			}
			for _, s := range g.PodSets {
				pods += s.Count
				if s.Count < 1 {
					t.Fatalf("gang %q: set %q has %d pods", g.Name, s.Name, s.Count)
				}
				for name, v := range s.Shape.Requests {
					if v < 1 {
						t.Fatalf("gang %q: set %q requests %d of %q", g.Name, s.Name, v, name)
					}
				}
			}
		}
		if pods > MaxPods {
			t.Fatalf("%d pods, want at most %d", pods, MaxPods)
		}
		for _, n := range in.Nodes {
			for name, v := range n.Allocatable {
				if v < 0 {
					t.Fatalf("node %q has %d of %q", n.Name, v, name)
				}
			}
		}
	})
}
