// SPDX-License-Identifier: Apache-2.0

package yamldoc_test

import (
	"strings"
	"testing"

	"tarsia.dev/tarsia/internal/yamldoc"
)

// Whatever the style, the place of "@" in the value is that of "@" in the file.
func TestTextPlace(t *testing.T) {
	for _, in := range []string{
		"a: x @ y\n", "a:   \"x @\"\n", "a: 'it''s @'\n", "a: \"q\\\"\\u0041\\n\\x41 @\"\n", "b: é\na: éé @\n",
		"a: |\n   one\n   two @\n", "a: >-   # why\n  one\n  two\n\n  three @\n", "a: one\n  two @\n", "a: \"one\n  two @\"\n",
		"a: 'one\n\n  @ two'\n", "{b: c, a: x@}\n", "a: |2\n   one @\n", "\xef\xbb\xbfa: @\n", "a: \"x \\\n  y @\"\n",
	} {
		if strings.HasSuffix(in, "a: @\n") {
			in = strings.Replace(in, "@", "x@", 1) // a plain scalar cannot begin with it
		}
		var doc struct {
			A yamldoc.Text
			B string
		}
		if err := yamldoc.Decode("f", []byte(in), &doc); err != nil {
			t.Errorf("%q: %v", in, err)
			continue
		}
		line, column := position(doc.A.Value)
		gotLine, gotColumn := doc.A.Place([]byte(in), line, column)
		wantLine, wantColumn := position(strings.TrimPrefix(in, "\xef\xbb\xbf"))
		if gotLine != wantLine || gotColumn != wantColumn {
			t.Errorf("%q: found %d:%d, want %d:%d", in, gotLine, gotColumn, wantLine, wantColumn)
		}
	}
}

func position(text string) (line, column int) {
	before, _, _ := strings.Cut(text, "@")
	line = 1 + strings.Count(before, "\n")
	return line, 1 + len([]rune(before[strings.LastIndexByte(before, '\n')+1:]))
}

func TestTextIsOneValue(t *testing.T) {
	var doc struct{ A, B yamldoc.Text }
	err := yamldoc.DecodeColumns("f", []byte("b: 1\na: [x]\nc: 2\n"), &doc)
	want := "f:2:4: a: found a list: want one value\nf:3:1: found the unknown key \"c\", did you mean \"a\"?"
	if err == nil || err.Error() != want {
		t.Errorf("found %v\nwant  %s", err, want)
	}
	if doc.B.IsZero() || !doc.A.IsZero() {
		t.Errorf("found %+v and %+v, want a place for b only", doc.A, doc.B)
	}
	// A place beyond the value is that of its end.
	if line, column := doc.B.Place([]byte("b: 1\n"), 9, 9); line != 1 || column != 4 {
		t.Errorf("found %d:%d, want 1:4", line, column)
	}
}
