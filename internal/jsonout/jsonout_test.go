// SPDX-License-Identifier: Apache-2.0

package jsonout_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/internal/jsonout"
)

type inner struct {
	Z int64  `json:"z"`
	A string `json:"a"`
	N *int   `json:"n"`
}

var value = map[string]any{
	"b": []any{inner{Z: 9223372036854775807, A: "<&>\u2028"}, uint64(18446744073709551615), 0.1, 1e30},
	"a": map[int]string{10: "x", 9: "y"},
	"c": []string{},
}

func TestWrite(t *testing.T) {
	for name, test := range map[string]struct {
		write func(io.Writer, any) error
		want  string
	}{
		"Write": {jsonout.Write, `{
  "a": {
    "10": "x",
    "9": "y"
  },
  "b": [
    {
      "a": "<&>\u2028",
      "n": null,
      "z": 9223372036854775807
    },
    18446744073709551615,
    0.1,
    1e+30
  ],
  "c": []
}
`},
		"Lines": {jsonout.Lines, `{"a":{"10":"x","9":"y"},"b":[{"a":"<&>\u2028","n":null,"z":9223372036854775807},18446744073709551615,0.1,1e+30],"c":[]}
`},
	} {
		for range 20 {
			var b bytes.Buffer
			if err := test.write(&b, value); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, b.String()); diff != "" {
				t.Fatalf("%s: %s", name, diff)
			}
		}
	}
}

func TestWriteRefuses(t *testing.T) {
	var b bytes.Buffer
	if err := jsonout.Write(&b, func() {}); err == nil || !strings.HasPrefix(err.Error(), "encode func()") || b.Len() > 0 {
		t.Errorf("a value without JSON: found %v and %q", err, b.String())
	}
	full := errors.New("no space")
	if err := jsonout.Lines(failing{full}, 1); !errors.Is(err, full) {
		t.Errorf("a full disk: found %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
