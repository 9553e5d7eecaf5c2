// SPDX-License-Identifier: Apache-2.0

package machine_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/machine"
)

// twoHosts is a plain snapshot of a site and two hosts.
const twoHosts = `{"tarsia":"snapshot","version":1}
{"site":"kind: Site\n"}
{"host":"a"}
{"f":"proc/version","t":"one"}
{"host":"b","taken":"2026-01-02T03:04:05Z"}
{"f":"proc/version","t":"two"}
{"end":"snapshot"}
`

func TestEachHost(t *testing.T) {
	var got []string
	note := func(h machine.Host, site []byte) error {
		text, err := h.Files.Machine().ReadString("proc/version")
		got = append(got, h.Name+" "+h.Taken+" "+text+" "+string(site))
		return err
	}
	if err := machine.EachHost(strings.NewReader(twoHosts), note); err != nil {
		t.Fatal(err)
	}
	want := []string{"a  one kind: Site\n", "b 2026-01-02T03:04:05Z two kind: Site\n"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}

	// A file that is cut short gives the hosts before the cut, and the error.
	got = nil
	short := twoHosts[:strings.Index(twoHosts, `{"end"`)]
	if err := machine.EachHost(strings.NewReader(short), note); !errors.Is(err, io.ErrUnexpectedEOF) || len(got) != 1 {
		t.Errorf("cut short: %d hosts and error %v, want 1 and one of %v", len(got), err, io.ErrUnexpectedEOF)
	}
	stop := errors.New("enough")
	if err := machine.EachHost(strings.NewReader(twoHosts), func(machine.Host, []byte) error { return stop }); err != stop {
		t.Errorf("error %v, want that of the caller", err)
	}
}

// A snapshot read host by host is refused where it is refused whole.
func TestEachHostRefuses(t *testing.T) {
	for _, text := range []string{
		strings.Replace(twoHosts, `"host":"b"`, `"host":"a"`, 1),
		strings.Replace(twoHosts, "{\"site\":\"kind: Site\\n\"}\n", "", 1) + "{}\n",
		strings.Replace(twoHosts, `{"end":"snapshot"}`, "{\"site\":\"x\"}\n{\"end\":\"snapshot\"}", 1),
		strings.Replace(twoHosts, `{"f":"proc/version","t":"two"}`, `{"f":"../x","t":"two"}`, 1),
	} {
		_, want := machine.ReadSnapshot(strings.NewReader(text))
		got := machine.EachHost(bytes.NewReader([]byte(text)), func(machine.Host, []byte) error { return nil })
		if want == nil || got == nil || want.Error() != got.Error() {
			t.Errorf("%q: error %v, want %v", text, got, want)
		}
	}
}
