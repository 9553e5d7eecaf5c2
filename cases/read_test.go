// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const smallest = `{"schema":"placement-case/v1","id":"own/a","kind":"gang","cluster":{},"expected":{"outcome":"placed"}`

func TestReaderErrors(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"no JSON", "{", `cases.jsonl:1: found no JSON at byte 1, want an object: unexpected end of JSON input: "{"`},
		{"no object", "3", `cases.jsonl:1: found number, want an object`},
		{"text for a number", smallest + `,"requests":[{"count":"3"}]}`, `cases.jsonl:1: requests.count: found string, want a whole number`},
		{"fraction for a number", smallest + `,"requests":[{"count":1.5}]}`, `cases.jsonl:1: requests.count: found number 1.5, want a whole number`},
		{"negative amount", smallest + `,"requests":[{"perPod":{"cpu":-1}}]}`, `cases.jsonl:1: requests.perPod: found -1, want a number of 0 or more with at most three decimals`},
		{"fine amount", smallest + `,"requests":[{"perPod":{"cpu":0.0001}}]}`, `cases.jsonl:1: requests.perPod: found 0.0001, want a number of 0 or more with at most three decimals`},
		{"object for a list", smallest + `,"requests":{}}`, `cases.jsonl:1: requests: found object, want a list`},
		{"text for a truth", `{"cluster":{"nodes":[{"ready":"yes"}]}}`, `cases.jsonl:1: cluster.nodes.ready: found string, want true or false`},
		{"no id", `{"schema":"placement-case/v1","kind":"gang"}`, `cases.jsonl:1: id: found none, want a text`},
		{"no kind", `{"schema":"placement-case/v1","id":"a"}`, `cases.jsonl:1: kind: found none, want a text`},
		{"another schema", `{"schema":"v2","id":"a","kind":"gang"}`, `cases.jsonl:1: schema: found "v2", want "placement-case/v1"`},
		{"second line", smallest + "}\n\n[]", `cases.jsonl:3: found array, want an object`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := NewReader("cases.jsonl", strings.NewReader(c.in))
			var err error
			for err == nil {
				_, err = r.Next()
			}
			if diff := cmp.Diff(c.want, err.Error()); diff != "" {
				t.Error(diff)
			}
			var read *ReadError
			if !errors.As(err, &read) || read.Line != r.Line() {
				t.Errorf("%#v is no ReadError of line %d", err, r.Line())
			}
		})
	}
}

func TestReaderGoesOnBehindABadLine(t *testing.T) {
	r := NewReader("c", strings.NewReader("{\n"+smallest+"}"))
	if _, err := r.Next(); err == nil {
		t.Error("the first line is no case")
	}
	c, err := r.Next()
	if err != nil || c.ID != "own/a" {
		t.Errorf("second line: %v, %v", c, err)
	}
	if _, err := r.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("behind the last line: %v", err)
	}
}

func TestReaderBoundsLines(t *testing.T) {
	r := NewReader("c", endless{})
	r.most = 1 << 20
	_, err := r.Next()
	if want := "c:1: found a line of more than 1 MiB, want one case a line"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestUnknownFields(t *testing.T) {
	line := smallest + `,"speed":1,"requests":[{"name":"a","colour":"red"},{"colour":"blue","perPod":{"any":1}}],"source":{"x":1},"derived":{"y":[]}}`
	c, _, err := parse([]byte(line))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"requests[].colour", "speed"}, c.unknown); diff != "" {
		t.Error(diff)
	}
	a, err := c.Answer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range a.Results {
		if r.Outcome != Unsupported || !strings.Contains(r.Reason, "requests[].colour, speed") {
			t.Errorf("%+v", r)
		}
	}
}

func TestAmounts(t *testing.T) {
	for in, want := range map[string]amount{"0": 0, "3": 3000, "0.5": 500, "1.25": 1250, "2.000": 2000, "2.5000": 2500, "1099511627776": 1099511627776000} {
		var a amount
		if err := a.UnmarshalJSON([]byte(in)); err != nil || a != want {
			t.Errorf("%s: %d, %v; want %d", in, a, err, want)
		}
	}
}

// FuzzAnswer: whatever the line, an answer or an error, and a result for every
// request of an answer that is no sequence.
func FuzzAnswer(f *testing.F) {
	seeds := 0
	files, err := filepath.Glob("testdata/*.jsonl")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			f.Add([]byte(line))
			seeds++
		}
	}
	if seeds == 0 {
		f.Fatal("testdata holds no cases")
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		c, _, err := parse(line)
		if err != nil {
			if c != nil {
				t.Fatal("a case and an error")
			}
			return
		}
		if size(c) > 2000 {
			return // large fleets are asked elsewhere
		}
		a, err := c.Answer(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if a.Steps == nil && len(a.Results) != len(c.Requests) {
			t.Fatalf("%d results for %d requests", len(a.Results), len(c.Requests))
		}
	})
}

// size is how much a case asks for.
func size(c *Case) int {
	n := len(c.Cluster.Nodes) + len(c.Cluster.Existing)
	if g := c.Cluster.Generator; g != nil {
		n += min(2000, max(1, or(g.Tier2, 1))) * min(2000, max(1, g.Tier1PerTier2)) * min(2000, max(1, g.NodesPerTier1))
	}
	for _, r := range c.Requests {
		n += min(5000, max(0, or(r.Count, 1))) + len(r.Pods)
	}
	for _, e := range c.Cluster.Existing {
		n += min(5000, max(0, or(e.Count, 1)))
	}
	return n
}
