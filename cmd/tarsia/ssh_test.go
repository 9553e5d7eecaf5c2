// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseHosts(t *testing.T) {
	got, err := parseHosts("hosts", []byte("# all\nroot@a, b-[1-2]\n\n c # d\n"))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"root@a", "b-1", "b-2", "c"}, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// Whatever a list holds, what is handed to ssh is no option and nothing that a
// shell reads.
func FuzzParseHosts(f *testing.F) {
	for _, s := range []string{"a\nb-[01-03],c\n", "user@host:1 # x", "-oProxyCommand=x", "n;reboot", "n$(id)", "[1-3]"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		hosts, err := parseHosts("hosts", data)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "hosts:") {
				t.Errorf("error %v, want one with its line", err)
			}
			return
		}
		for _, h := range hosts {
			if h == "" || h[0] == '-' || strings.ContainsAny(h, " \t\n;|&$`'\"\\<>(){}*?!#~%=") {
				t.Errorf("%q is handed to ssh", h)
			}
		}
	})
}
