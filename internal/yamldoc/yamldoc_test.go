// SPDX-License-Identifier: Apache-2.0

package yamldoc_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/internal/yamldoc"
)

// The line is that of the fault, not of the block around it, which is what the
// parser itself mostly names.
func TestSyntaxErrors(t *testing.T) {
	for in, want := range map[string]string{
		"a: 1\nb: [1, 2\nc: 3\nd: 4\n":              `f:2: did not find expected ',' or ']' at "b: [1, 2"`,
		"a: [1, 2\nc: 3\nd: 4\n":                    `f:1: did not find expected ',' or ']' at "a: [1, 2"`,
		"a: 1\nb: 2\n\tc: 3\nd: 4\n":                `f:3: found a tab character that violates indentation at "\tc: 3"`,
		"a:\n  b:\n  \tc: 3\nd: 4\n":                `f:3: found character that cannot start any token at "  \tc: 3"`,
		"a: 1\nb:\n  - x\n - y\nd: 4\ne: 5\n":       `f:4: did not find expected key at " - y"`,
		"a: 1\nb: x: y\nc: 3\n":                     `f:2: mapping values are not allowed in this context at "b: x: y"`,
		"a: 1\nb: \"abc\nc: 3\nd: 4\n":              `f:2: found unexpected end of stream at "b: \"abc"`,
		"a: 'abc\nc: 3\nd: 4\n":                     `f:1: found unexpected end of stream at "a: 'abc"`,
		"a: 1\nb\nc: 3\nd: 4\n":                     `f:2: could not find expected ':' at "b"`,
		"a: 1\nb: *x\nc: 3\nd: 4\n":                 `f:2: unknown anchor 'x' referenced at "b: *x"`,
		"a: 1\nb: %x\nc: 3\n":                       `f:2: found character that cannot start any token at "b: %x"`,
		"a:\n  b: 2\n c: 3\nd: 4\n":                 `f:3: did not find expected key at " c: 3"`,
		"a:\n  b: {x: 1\n  c: 3\nd: 4\n":            `f:2: did not find expected ',' or '}' at "  b: {x: 1"`,
		"a: 1\n---\nb: 2\n c: 3\nd: 4\n":            `f:4: mapping values are not allowed in this context at " c: 3"`,
		"a: \"x\\qy\"\nb: 1\n":                      `f:1: found unknown escape character at "a: \"x\\qy\""`,
		"a: 1\nb: \x00\nc: 1\n":                     `f:2: control characters are not allowed at "b: \x00"`,
		"a: 1\nb: \xff\nc: 1\nd: 1\n":               `f:2: invalid leading UTF-8 octet at "b: \xff"`,
		"items:\r\n- a: 1\r\n   b: 2\r\n- c: 1\r\n": `f:3: mapping values are not allowed in this context at "   b: 2"`,
		"a: " + strings.Repeat("x", 100) + ": y\n":  `f:1: mapping values are not allowed in this context at "a: ` + strings.Repeat("x", 77) + `..."`,
		"{\"a\": 1,\n \"b\": }\n":                   `f:2: invalid character '}' looking for beginning of value at " \"b\": }"`,
		"{\"a\": 1,\n\n\"b\": [2\n":                 `f:4: found the end of the text, want the end of the JSON value that begins on line 1`,
		"{}\n{\"a\": 1}\n{\"a\" 1}\n":               `f:3: invalid character '1' after object key at "{\"a\" 1}"`,
	} {
		docs, err := yamldoc.Split("f", []byte(in))
		if err == nil || err.Error() != want {
			t.Errorf("%q:\n found %v\n want  %s", in, err, want)
		}
		if docs != nil {
			t.Errorf("%q: found documents beside an error", in)
		}
	}
}

func TestSplit(t *testing.T) {
	const in = "# nodes\n---\n---\nkind: A\n---\n# nothing here\n---\n\nkind: B\nlist:\n- x: 1\n- x: 2\n...\n---\nnull\n--- text\n"
	docs, err := yamldoc.Split("f", []byte(in))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range docs {
		out, err := d.JSON()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%d %s", d.Line, out))
	}
	if diff := cmp.Diff([]string{`4 {"kind":"A"}`, `9 {"kind":"B","list":[{"x":1},{"x":2}]}`, "15 null", `16 "text"`}, got); diff != "" {
		t.Error(diff)
	}
	for _, in := range []string{"", "\n", "# only words\n", "---\n---\n"} {
		if docs, err := yamldoc.Split("f", []byte(in)); len(docs) != 0 || err != nil {
			t.Errorf("%q: found %d documents, %v, want none", in, len(docs), err)
		}
	}
}

// What a Windows shell writes: UTF-16 and byte order marks.
func TestEncodings(t *testing.T) {
	text := "name: grüße\n"
	var le, be []byte
	for _, u := range utf16.Encode([]rune("\ufeff" + text)) {
		le, be = append(le, byte(u), byte(u>>8)), append(be, byte(u>>8), byte(u))
	}
	for name, in := range map[string][]byte{"mark": []byte("\ufeff" + text), "little endian": le, "big endian": be} {
		docs, err := yamldoc.Split("f", in)
		if err != nil || len(docs) != 1 {
			t.Errorf("%s: found %d documents, %v", name, len(docs), err)
			continue
		}
		if got, _ := docs[0].String("name"); got != "grüße" {
			t.Errorf("%s: found %q", name, got)
		}
	}
	docs, err := yamldoc.Split("f", []byte("\ufeff{\"a\": 1}"))
	if err != nil || len(docs) != 1 {
		t.Errorf("JSON behind a mark: found %d documents, %v", len(docs), err)
	}
}

const manifest = `apiVersion: v1
kind: Pod
metadata:
  labels: &labels
    app: x
spec:
  nodeSelector:
    <<: *labels
    zone: "7"
  containers:
  - name: a
    limits:
      nvidia.com/gpu: 0x8
  - {name: b}
  empty:
`

const manifestJSON = `{"apiVersion": "v1",
 "kind": "Pod", "n": 12345678901234567890, "ok": true, "no": null,
 "spec": {
  "containers": [ {"name": "a"},
   {"name": "b",
    "x": [1, 2]} ] } }`

func TestLineOfAndString(t *testing.T) {
	for name, test := range map[string]struct {
		in    string
		path  string
		line  int
		value string
		ok    bool
	}{
		"top":                {manifest, "kind", 2, "Pod", true},
		"deep":               {manifest, "spec containers 0 limits nvidia.com/gpu", 13, "0x8", true},
		"in braces":          {manifest, "spec containers 1 name", 14, "b", true},
		"quoted":             {manifest, "spec nodeSelector zone", 9, "7", true},
		"merged":             {manifest, "spec nodeSelector app", 5, "x", true},
		"null":               {manifest, "spec empty", 15, "", false},
		"a map":              {manifest, "spec", 6, "", false},
		"not there":          {manifest, "spec containers 0 image", 11, "", false},
		"no such index":      {manifest, "spec containers 7 image", 10, "", false},
		"through a scalar":   {manifest, "kind x", 2, "", false},
		"the document":       {manifest, "", 1, "", false},
		"JSON top":           {manifestJSON, "kind", 2, "Pod", true},
		"JSON number":        {manifestJSON, "n", 2, "12345678901234567890", true},
		"JSON boolean":       {manifestJSON, "ok", 2, "true", true},
		"JSON null":          {manifestJSON, "no", 2, "", false},
		"JSON deep":          {manifestJSON, "spec containers 1 name", 5, "b", true},
		"JSON index":         {manifestJSON, "spec containers 1 x 1", 6, "2", true},
		"JSON not there":     {manifestJSON, "spec containers 1 image", 5, "", false},
		"JSON no such index": {manifestJSON, "spec containers 2 name", 4, "", false},
		"JSON a map":         {manifestJSON, "spec", 3, "", false},
	} {
		docs, err := yamldoc.Split("f", []byte(test.in))
		if err != nil {
			t.Fatal(err)
		}
		path := strings.Fields(test.path)
		if line := docs[0].LineOf(path...); line != test.line {
			t.Errorf("%s: found line %d, want %d", name, line, test.line)
		}
		if value, ok := docs[0].String(path...); value != test.value || ok != test.ok {
			t.Errorf("%s: found %q, %v, want %q, %v", name, value, ok, test.value, test.ok)
		}
	}
}

func TestJSON(t *testing.T) {
	for in, want := range map[string]string{
		"b: 1\na: 2\n":                                                `{"b":1,"a":2}`,
		"n: 9223372036854775807\n":                                    `{"n":9223372036854775807}`,
		"n: 123456789012345678901234567890\n":                         `{"n":123456789012345678901234567890}`,
		"n: [0x10, 0o17, 1_000, -0x1, 007]\n":                         `{"n":[16,15,1000,-1,7]}`,
		"n: [1.50, 1e3, .5, +1]\n":                                    `{"n":[1.50,1e3,0.5,1]}`,
		"n: [true, False, yes, ~, null]\n":                            `{"n":[true,false,"yes",null,null]}`,
		"t: 2026-01-02\n":                                             `{"t":"2026-01-02"}`,
		"s: \"a\\\"<&>\\u2028\\n\"\n":                                 `{"s":"a\"<&>\u2028\n"}`,
		"s: |\n  a\n  b\n":                                            `{"s":"a\nb\n"}`,
		"1: a\ntrue: b\n":                                             `{"1":"a","true":"b"}`,
		"a: &x {p: 1}\nb: {<<: *x, q: 2}\n":                           `{"a":{"p":1},"b":{"q":2,"p":1}}`,
		"a: &x {p: 1}\nb: &y {p: 2, r: 3}\nc: {<<: [*x, *y], q: 2}\n": `{"a":{"p":1},"b":{"p":2,"r":3},"c":{"q":2,"p":1,"r":3}}`,
		"a: &x {p: 1}\nb: {<<: *x, p: 2}\n":                           `{"a":{"p":1},"b":{"p":2}}`,
		"a: &x [1]\nb: [*x, *x]\n":                                    `{"a":[1],"b":[[1],[1]]}`,
		"\"<<\": 1\n":                                                 `{"<<":1}`,
		"{\"b\": 1, \"a\": [ ]}":                                      `{"b": 1, "a": [ ]}`,
	} {
		docs, err := yamldoc.Split("f", []byte(in))
		if err != nil || len(docs) != 1 {
			t.Errorf("%q: found %d documents, %v", in, len(docs), err)
			continue
		}
		got, err := docs[0].JSON()
		if err != nil || string(got) != want || !json.Valid(got) {
			t.Errorf("%q:\n found %s, %v\n want  %s", in, got, err, want)
		}
	}
}

func TestJSONRefuses(t *testing.T) {
	for in, want := range map[string]string{
		"a: 1\nb: 2\na: 3\n": `f:3: found the key "a" again, first on line 1`,
		"a: 1\n? [b]\n: 2\n": `f:2: found a list as a key, want a word`,
		"a: .inf\n":          `f:1: found ".inf", which JSON cannot say`,
		"a:\n- .nan\n":       `f:2: found ".nan", which JSON cannot say`,
		"a: !!int x\n":       `f:1: found "x", want a number`,
		"a: !!bool x\n":      `f:1: found "x", want a boolean`,
		"a: {<<: 3}\n":       `f:1: found "3" behind "<<", want a map or a list of maps`,
		"a: &x\n  b: *x\n":   `f:2: found more than 1000 levels`,
		"a: &x {<<: *x}\n":   `f:1: found more than 1000 levels`,
		strings.Repeat("[", 1200) + strings.Repeat("]", 1200): `f:1: found more than 1000 levels`,
		laughs("[", "]"):       `aliases expand to more than 1000000 nodes`,
		laughs("{<<: [", "]}"): `aliases expand to more than 1000000 nodes`,
		"a: &x \"" + strings.Repeat("y", 1<<20) + "\"\nb: [" + strings.Repeat("*x,", 12) + "]": `10485760 bytes`,
	} {
		docs, err := yamldoc.Split("f", []byte(in))
		if err != nil {
			t.Errorf("%.40q: %v", in, err)
			continue
		}
		out, err := docs[0].JSON()
		if err == nil || !strings.Contains(err.Error(), want) || out != nil {
			t.Errorf("%.40q: found %d bytes, %v, want %s", in, len(out), err, want)
		}
		docs[0].LineOf("a", "b", "b", "b", "x")
		docs[0].String("a", "b", "b", "b", "x")
	}
}

// What stands outside an alias does not count against it.
func TestLargeTextBesideAlias(t *testing.T) {
	docs, err := yamldoc.Split("f", []byte("a: &x [1]\nb: *x\nc: \""+strings.Repeat("y", 11<<20)+"\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := docs[0].JSON(); err != nil {
		t.Error(err)
	}
}

// laughs is a small document whose aliases expand to 10^9 nodes.
func laughs(open, end string) string {
	var b strings.Builder
	b.WriteString("l0: &l0 {x: 1}\n")
	for i := 1; i < 10; i++ {
		fmt.Fprintf(&b, "l%d: &l%d %s%s%s\n", i, i, open, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*l%d,", i-1), 10), ","), end)
	}
	return b.String()
}

func TestBounded(t *testing.T) {
	for want, in := range map[string][]byte{
		"f:1: found some 16777217 tokens, want at most 16777216": bytes.Repeat([]byte("\n"), 16<<20+1),
		"f:1: found 268435457 bytes, want at most 268435456":     make([]byte, 256<<20+1), // never touched
	} {
		if _, err := yamldoc.Split("f", in); err == nil || err.Error() != want {
			t.Errorf("found %v, want %s", err, want)
		}
	}
}

func TestIsJSON(t *testing.T) {
	for in, want := range map[string]bool{
		"{}": true, " \n{ \"a\": 1}": true, "{a: 1}": false, "a: {}": false, "": false, "{": false, "[1]": false,
	} {
		if got := yamldoc.IsJSON([]byte(in)); got != want {
			t.Errorf("%q: found %v, want %v", in, got, want)
		}
	}
}

func FuzzSplit(f *testing.F) {
	for _, seed := range []string{manifest, manifestJSON, laughs("[", "]"), laughs("{<<: [", "]}"), "a: &x {<<: *x}\n", "a: 1\n--- \n? [x]\n: {}\n",
		"\ufeffa: b", "\xff\xfea\x00:\x00 \x00b\x00", "{\"a\": 1}{\"b\":2}", "a: !!binary aGk=\nb: !!int 3\nc: 1:30\nd: 2026-01-02T03:04:05Z\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		docs, err := yamldoc.Split("f", data)
		if err != nil && docs != nil {
			t.Fatal("found documents beside an error")
		}
		if err != nil && !strings.HasPrefix(err.Error(), "f:") {
			t.Fatalf("found %v, want the name and the line first", err)
		}
		for _, d := range docs {
			lines := strings.Count(string(data), "\n") + 1
			if d.Line < 1 || d.Line > max(lines, len(data)) {
				t.Errorf("found line %d of %d", d.Line, lines)
			}
			d.LineOf("a", "0", "b")
			d.String("a", "0", "b")
			out, err := d.JSON()
			if err == nil && !json.Valid(out) {
				t.Errorf("found %q, which is no JSON", out)
			}
		}
	})
}

// BenchmarkSplitNodes reads a list of cluster nodes as kubectl writes it.
func BenchmarkSplitNodes(b *testing.B) {
	var s strings.Builder
	s.WriteString("apiVersion: v1\nkind: List\nitems:\n")
	for i := range 100 {
		fmt.Fprintf(&s, "- apiVersion: v1\n  kind: Node\n  metadata:\n    name: n%d\n    labels:\n", i)
		for l := range 60 {
			fmt.Fprintf(&s, "      example.com/label-%d: \"%d\"\n", l, i)
		}
	}
	data := []byte(s.String())
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		docs, err := yamldoc.Split("f", data)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := docs[0].JSON(); err != nil {
			b.Fatal(err)
		}
	}
}
