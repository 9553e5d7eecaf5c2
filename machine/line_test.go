// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// FuzzParseRecord: whatever is taken for a record is JSON, says the same to
// encoding/json, and is written again as a record that says the same.
func FuzzParseRecord(f *testing.F) {
	f.Add([]byte(`{"f":"proc/version","t":"Linux \"x\\y\"\n\u0001\u00e9\ud83d\ude00"}`))
	f.Add([]byte(` { "l" : "a" ,"to":"\/b" } `))
	f.Add([]byte(`{"a":"\ud800"}`))
	f.Add([]byte(`{"a":"b",}`))
	f.Add([]byte("{\"a\":\"\x7f\"}"))
	f.Fuzz(func(t *testing.T, line []byte) {
		if !utf8.Valid(line) || bytes.ContainsRune(line, '\n') {
			return
		}
		rec, err := parseRecord(line)
		if err != nil {
			return
		}
		var want map[string]string
		if err := json.Unmarshal(line, &want); err != nil {
			t.Fatalf("%q was taken, but is no JSON: %v", line, err)
		}
		keys := strings.Split(rec.keys, ",")
		got := map[string]string{}
		var pairs []string
		for i, key := range keys {
			got[key] = rec.values[i]
			pairs = append(pairs, key, rec.values[i])
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%q: %s", line, diff)
		}
		again, err := parseRecord(bytes.TrimSuffix(appendRecord(nil, pairs...), []byte("\n")))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(rec, again, cmp.AllowUnexported(record{})); diff != "" {
			t.Fatalf("%q: written again it differs:\n%s", line, diff)
		}
	})
}
