// SPDX-License-Identifier: Apache-2.0

package yamldoc_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"tarsia.dev/tarsia/internal/yamldoc"
)

type base struct {
	Kind string `yaml:"kind"`
}

// upper is a value that reads itself.
type upper string

func (u *upper) UnmarshalText(text []byte) error {
	if len(text) > 3 {
		return errors.New("longer than three letters")
	}
	*u = upper(strings.ToUpper(string(text)))
	return nil
}

type facts struct {
	base             // not exported: not read
	Base    base     `yaml:",inline"`
	Name    string   `yaml:"name"`
	Count   int      `yaml:"count"`
	Width   uint8    `yaml:"width"`
	Ratio   float64  `yaml:"ratio"`
	On      bool     `yaml:"on"`
	Speed   *float64 `yaml:"speed"`
	GPUs    []gpu    `yaml:"gpus"`
	Labels  map[string]string
	PerNode map[int][]string `yaml:"perNode"`
	Pair    [2]int           `yaml:"pair"`
	Any     any              `yaml:"any"`
	Raw     yaml.Node        `yaml:"raw"`
	Wait    time.Duration    `yaml:"wait"`
	Up      upper            `yaml:"up"`
	Hidden  string           `yaml:"-"`
}

type gpu struct {
	Address string `yaml:"address"`
	NUMA    *int   `yaml:"numaNode"`
}

func TestDecode(t *testing.T) {
	const in = `
kind: Facts
name: 1.10
count: 0x10
ratio: 2
on: true
speed: null
gpus: &gpus
- address: "0000:3b:00.0"
  numaNode: 0
- {address: x}
labels: {a: b}
perNode: {1: [x], 2: *names}
pair: [1, 2]
any: {x: [1, y]}
up: abc
wait: 1m30s
`
	zero, kept := 0, 7.5
	got := facts{Speed: &kept}
	if err := yamldoc.Decode("f", []byte(strings.Replace(in, "*names", "[y, z]", 1)), &got); err != nil {
		t.Fatal(err)
	}
	want := facts{Base: base{"Facts"}, Name: "1.10", Count: 16, Ratio: 2, On: true, Speed: &kept,
		GPUs:   []gpu{{Address: "0000:3b:00.0", NUMA: &zero}, {Address: "x"}},
		Labels: map[string]string{"a": "b"}, PerNode: map[int][]string{1: {"x"}, 2: {"y", "z"}}, Pair: [2]int{1, 2},
		Any: map[string]any{"x": []any{1, "y"}}, Up: "ABC", Wait: 90 * time.Second}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(facts{})); diff != "" {
		t.Error(diff)
	}
	// A field with its own yaml.Node keeps lines; JSON is YAML, too.
	if err := yamldoc.Decode("f", []byte("{\"name\": \"x\",\n\"raw\": [1]}"), &got); err != nil || got.Raw.Line != 2 {
		t.Errorf("found %v and a node of line %d", err, got.Raw.Line)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for in, want := range map[string]string{
		"name: x\ncuont: 3\n":           `f:2: found the unknown key "cuont", did you mean "count"?`,
		"Name: x\n":                     `f:1: found the unknown key "Name", did you mean "name"?`,
		"gpus:\n- adress: x\n":          `f:2: gpus[0]: found the unknown key "adress", did you mean "address"?`,
		"gpus:\n- colour: x\n":          `f:2: gpus[0]: found the unknown key "colour", want one of address, numaNode`,
		"hidden: x\n":                   `f:1: found the unknown key "hidden", want one of kind, name,`,
		"count: abc\n":                  `f:1: count: found "abc", want a whole number`,
		"count: 1.5\n":                  `f:1: count: found "1.5", want a whole number`,
		"count: 99999999999999999999\n": `f:1: count: found "99999999999999999999", want a whole number`,
		"count: [1]\n":                  `f:1: count: found a list, want a whole number`,
		"width: 256\n":                  `f:1: width: found "256", want a whole number, not negative that fits uint8`,
		"width: -1\n":                   `f:1: width: found "-1", want a whole number, not negative`,
		"ratio: x\n":                    `f:1: ratio: found "x", want a number`,
		"on: 1\n":                       `f:1: on: found "1", want true or false`,
		"name: {}\n":                    `f:1: name: found a map, want a word`,
		"gpus: x\n":                     `f:1: gpus: found "x", want a list`,
		"gpus: {a: b}\n":                `f:1: gpus: found a map, want a list`,
		"gpus: [x]\n":                   `f:1: gpus[0]: found "x", want a map`,
		"labels: [x]\n":                 `f:1: labels: found a list, want a map`,
		"labels:\n  a: [x]\n":           `f:2: labels.a: found a list, want a word`,
		"perNode:\n  x: []\n":           `f:2: perNode: found "x", want a whole number`,
		"pair: [1]\n":                   `f:1: pair: found 1 items, want 2`,
		"up: abcd\n":                    `f:1: up: found "abcd": longer than three letters`,
		"wait: soon\n":                  `f:1: wait: found "soon", want a duration such as 1m30s`,
		"name: a\nname: b\n":            `f:2: found the key "name" again, first on line 1`,
		"- a\n":                         `f:1: found a list, want a map`,
		"":                              `f:1: found no document, want one`,
		"name: a\n---\nname: b\n":       `f:3: found a second document, want one`,
		"name: a\nb: [\n":               `f:2: did not find expected node content at "b: ["`,
		"any: &x [*x]\n":                `f:1: any: found a list: anchor 'x' value contains itself`,
		"count: a\nfoo: 1\nwidth: b\n":  "f:1: count: found \"a\", want a whole number\nf:2: found the unknown key \"foo\"",
		"gpus: [" + strings.Repeat("1,", 100) + "]\n": `f:1: gpus[0]: found "1", want a map`,
	} {
		var out facts
		err := yamldoc.Decode("f", []byte(in), &out)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q:\n found %v\n want  %s", in, err, want)
			continue
		}
		if n := strings.Count(err.Error(), "\n") + 1; n > 20 {
			t.Errorf("%q: found %d errors, want at most 20", in, n)
		}
	}
	if err := yamldoc.Decode("f", []byte("a: b"), facts{}); err == nil || !strings.Contains(err.Error(), "want a pointer") {
		t.Errorf("no pointer: found %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		"kind: x\nname: y\ngpus: [{address: a, numaNode: 1}]\nperNode: {1: [a]}\npair: [1,2]\nany: {a: !!binary aGk=}\nwait: 3s\nup: a\n",
		"gpus: &x [*x]\n", "labels: &x {<<: *x}\n", "labels: {<<: [{a: b}, {c: d}]}\nraw: &y [*y]\n", laughs("[", "]"),
		"count: 1e3\nwidth: 0b11\nratio: .inf\non: y\n? [a]\n: b\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var out facts
		if err := yamldoc.Decode("f", data, &out); err != nil && !strings.HasPrefix(err.Error(), "f:") {
			t.Errorf("found %v, want the name and the line first", err)
		}
	})
}
