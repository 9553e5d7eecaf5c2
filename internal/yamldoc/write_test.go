// SPDX-License-Identifier: Apache-2.0

package yamldoc_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/internal/yamldoc"
)

func TestWrite(t *testing.T) {
	v := map[string]any{
		"b": []any{int64(9223372036854775807), uint64(18446744073709551615), 1.5, 1e21, -0.25},
		"a": struct {
			Z string         `json:"z"`
			Y *int           `json:"y"`
			X []string       `json:"x"`
			W map[string]int `json:"w"`
		}{Z: "<&>"},
		"strings": []string{"yes", "null", "1", "0x1", "", "~", " a", "a: b", "# c", "two\nlines\n", "\x00\u2028", "2026-01-02", "<<", "!x", "é", "-", "1e3"},
		"<<":      true,
	}
	var first, second bytes.Buffer
	for _, b := range []*bytes.Buffer{&first, &second} {
		if err := yamldoc.Write(b, v); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(first.String(), second.String()); diff != "" {
		t.Errorf("written twice it differs:\n%s", diff)
	}
	if !strings.HasPrefix(first.String(), "\"<<\": true\na:\n  w: null\n") {
		t.Errorf("found\n%s", first.String())
	}
	// Read again it is the value that JSON has.
	docs, err := yamldoc.Split("f", first.Bytes())
	if err != nil {
		t.Fatalf("%v\n%s", err, first.String())
	}
	got, err := docs[0].JSON()
	if err != nil {
		t.Fatal(err)
	}
	want, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(canonical(t, want), canonical(t, got)); diff != "" {
		t.Errorf("read again it differs:\n%s\n%s", diff, first.String())
	}
	full := errors.New("no space")
	if err := yamldoc.Write(failing{full}, v); err == nil || !strings.Contains(err.Error(), full.Error()) {
		t.Errorf("a full disk: found %v", err)
	}
	if err := yamldoc.Write(&first, func() {}); err == nil || !strings.HasPrefix(err.Error(), "encode func()") {
		t.Errorf("a value without JSON: found %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func canonical(t *testing.T, data []byte) string {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%v in %s", err, data)
	}
	out, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
