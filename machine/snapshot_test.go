// SPDX-License-Identifier: Apache-2.0

package machine_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/machine"
)

func packed(t testing.TB, s *machine.Snapshot) []byte {
	t.Helper()
	var b bytes.Buffer
	must(t, s.Write(&b))
	return b.Bytes()
}

func unpacked(t testing.TB, data []byte) string {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(data))
	must(t, err)
	text, err := io.ReadAll(r)
	must(t, err)
	return string(text)
}

func TestSnapshotText(t *testing.T) {
	s := &machine.Snapshot{
		Hosts: []machine.Host{{Name: "b", Taken: "2026-01-02T03:04:05Z", Files: small(t)}, {Name: "a", Files: machine.NewFiles()}},
		Site:  []byte("kind: Site\n"),
	}
	data := packed(t, s)
	want := `{"tarsia":"snapshot","version":1}
{"site":"kind: Site\n"}
{"host":"b","taken":"2026-01-02T03:04:05Z"}
{"l":"proc/device-tree","to":"/sys/firmware/devicetree/base"}
{"f":"proc/empty","t":""}
{"f":"proc/version","t":"Linux version 6.12 \"x\\y\"\n"}
{"l":"sys/bus/pci/devices/0000:00:01.0","to":"../../../devices/pci0000:00/0000:00:01.0"}
{"d":"sys/class/drm"}
{"f":"sys/devices/pci0000:00/0000:00:01.0/class","t":"0x060400\n"}
{"f":"sys/devices/pci0000:00/0000:00:01.0/config","b":"hoD/AA=="}
{"f":"sys/devices/pci0000:00/0000:00:01.0/current_link_speed","e":"EINVAL"}
{"f":"sys/firmware/devicetree/base/model","b":"Ym9hcmQA"}
{"l":"sys/loop","to":"loop"}
{"host":"a"}
{"end":"snapshot"}
`
	if diff := cmp.Diff(want, unpacked(t, data)); diff != "" {
		t.Error(diff)
	}
	for name, in := range map[string][]byte{"packed": data, "plain": []byte(want)} {
		got, err := machine.ReadSnapshot(bytes.NewReader(in))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if again := packed(t, got); !bytes.Equal(data, again) {
			t.Errorf("%s: written again it is another snapshot:\n%s", name, cmp.Diff(want, unpacked(t, again)))
		}
		if got.Hosts[0].Taken != "2026-01-02T03:04:05Z" || string(got.Site) != "kind: Site\n" {
			t.Errorf("%s: found time %q and site %q", name, got.Hosts[0].Taken, got.Site)
		}
	}
}

func TestSnapshotWriteRefuses(t *testing.T) {
	host := func(name, taken string) machine.Host {
		return machine.Host{Name: name, Taken: taken, Files: machine.NewFiles()}
	}
	for want, s := range map[string]*machine.Snapshot{
		`found host "a" twice`:                       {Hosts: []machine.Host{host("a", ""), host("a", "")}},
		`found host name "a b"`:                      {Hosts: []machine.Host{host("a b", "")}},
		`found host name ""`:                         {Hosts: []machine.Host{host("", "")}},
		`found time "yesterday"`:                     {Hosts: []machine.Host{host("a", "yesterday")}},
		`found a site file of 1 bytes, want at most`: {Site: []byte("\xff")},
		`found 20001 hosts, want at most`:            {Hosts: make([]machine.Host, machine.MaxHosts+1)},
	} {
		if err := s.Write(io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("found error %v, want %q", err, want)
		}
	}
	full := errors.New("no space")
	if err := (&machine.Snapshot{}).Write(failing{full}); !errors.Is(err, full) {
		t.Errorf("a full disk: found %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

const head = `{"tarsia":"snapshot","version":1}` + "\n"

func TestReadSnapshotRefuses(t *testing.T) {
	whole := packed(t, &machine.Snapshot{Hosts: []machine.Host{{Name: "a", Files: small(t)}}})
	for name, test := range map[string]struct{ in, want string }{
		"empty":             {"", "line 1: found the end of the file"},
		"something else":    {"<html>\n", `line 1: found "<html>", want {"tarsia":"snapshot","version":1}`},
		"no line end":       {`{"tarsia":"snapshot","version":1}`, "line 1: found a line without its end"},
		"other version":     {`{"tarsia":"snapshot","version":7}` + "\n", "line 1: found version 7, this tarsia reads 1"},
		"no end":            {head, `line 2: found the end of the file, want {"end":"snapshot"}`},
		"more behind":       {head + `{"end":"snapshot"}` + "\nx", "line 3: found more behind the end"},
		"unknown key":       {head + `{"host":"a"}` + "\n" + `{"g":"x"}` + "\n", `line 3: found the keys "g"`},
		"key of upper case": {head + `{"host":"a"}` + "\n" + `{"F":"x","t":""}` + "\n", `line 3: found the keys "F,t"`},
		"key twice":         {head + `{"host":"a","host":"b"}` + "\n", `line 2: found the key "host" twice`},
		"many keys":         {head + `{"a":"","b":"","c":"","d":"","e":""}` + "\n", `line 2: found the key "e"`},
		"no host":           {head + `{"f":"a","t":""}` + "\n", `line 2: found "a" before any host`},
		"same path":         {head + "{\"host\":\"a\"}\n{\"f\":\"a\",\"t\":\"\"}\n{\"f\":\"a\",\"t\":\"\"}\n", `line 4: found "a" twice`},
		"escape":            {head + "{\"host\":\"a\"}\n{\"f\":\"a/../../b\",\"t\":\"\"}\n", `line 3: "a/../../b": want a path below the root`},
		"absolute":          {head + "{\"host\":\"a\"}\n{\"l\":\"/a\",\"to\":\"b\"}\n", "line 3: \"/a\": want a path below the root"},
		"same host":         {head + "{\"host\":\"a\"}\n{\"host\":\"a\"}\n", `line 3: found host "a" twice`},
		"bad time":          {head + `{"host":"a","taken":"now"}` + "\n", `line 2: found time "now"`},
		"bad errno":         {head + "{\"host\":\"a\"}\n{\"f\":\"a\",\"e\":\"EWHAT\"}\n", `line 3: found the error "EWHAT"`},
		"errno by number":   {head + "{\"host\":\"a\"}\n{\"f\":\"a\",\"e\":\"errno 22\"}\n", `line 3: found the error "errno 22"`},
		"bad base64":        {head + "{\"host\":\"a\"}\n{\"f\":\"a\",\"b\":\"AB==\"}\n", `line 3: "a": found bad base64`},
		"half a character":  {head + "{\"host\":\"a\"}\n{\"f\":\"a\",\"t\":\"\\ud800\"}\n", "line 3: found \"\\\"\\\\ud800\\\"\", which holds U+FFFD"},
		"no UTF-8":          {head + "{\"host\":\"a\"}\n{\"f\":\"a\",\"t\":\"\xff\"}\n", "line 3: found"},
		"number":            {head + "{\"host\":5}\n", `line 2: found "5}", want a string in quotes`},
		"open string":       {head + "{\"host\":\"a\n", `want a string with its closing quote`},
		"no colon":          {head + "{\"host\"}\n", `line 2: found "}", want :`},
		"late site":         {head + "{\"host\":\"a\"}\n{\"site\":\"\"}\n", "line 3: found the site file behind a host"},
		"second site":       {head + "{\"site\":\"\"}\n{\"site\":\"\"}\n", "line 3: found a second site file"},
		"below a file":      {head + "{\"host\":\"a\"}\n{\"f\":\"a\",\"t\":\"\"}\n{\"f\":\"a/b\",\"t\":\"\"}\n", `line 4: "a/b": found a file at "a"`},
		"cut gzip":          {string(whole[:len(whole)-9]), io.ErrUnexpectedEOF.Error()},
		"damaged gzip":      {string(whole[:len(whole)-6]) + "abcdef", "line 14: gzip: invalid checksum"},
		"deep path":         {head + "{\"host\":\"a\"}\n{\"d\":\"" + strings.Repeat("a/", 64) + "a\"}\n", "line 3: \"a/a/a/a/a/a/"},
		"deep paths":        {head + "{\"host\":\"a\"}\n" + deep(4000), "more than 200000 entries"},
	} {
		s, err := machine.ReadSnapshot(strings.NewReader(test.in))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: found error %v, want %q", name, err, test.want)
		}
		if s != nil {
			t.Errorf("%s: found half a snapshot", name)
		}
	}
}

// deep implies some sixty directories a line.
func deep(lines int) string {
	var b strings.Builder
	for i := range lines {
		fmt.Fprintf(&b, "{\"d\":\"%d/%sa\"}\n", i, strings.Repeat("a/", 60))
	}
	return b.String()
}

// Every byte value, and text that a JSON decoder might change, comes back.
func TestSnapshotContent(t *testing.T) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	contents := [][]byte{nil, all, []byte("a\ufffdb"), []byte("a\u2028<&>\x7f\x01 some more text"), []byte("\xed\xa0\x80"),
		[]byte("compatible\x00other-device\x00"), []byte(strings.Repeat("\n", 10)), []byte("ü\U0001F600\\\"/\b\f")}
	f := machine.NewFiles()
	for i, c := range contents {
		must(t, f.AddFile(fmt.Sprintf("c%d", i), c))
	}
	must(t, f.AddError("e1", syscall.Errno(524)), f.AddError("e2", syscall.ENODEV))
	s, err := machine.ReadSnapshot(bytes.NewReader(packed(t, &machine.Snapshot{Hosts: []machine.Host{{Name: "a", Files: f}}})))
	must(t, err)
	m := s.Hosts[0].Files.Machine()
	for i, c := range contents {
		got, err := m.ReadFile(fmt.Sprintf("c%d", i))
		if err != nil || !bytes.Equal(c, got) {
			t.Errorf("content %d: got %q, %v, want %q", i, got, err, c)
		}
	}
	for name, want := range map[string]syscall.Errno{"e1": 524, "e2": syscall.ENODEV} {
		if _, err := m.ReadFile(name); !errors.Is(err, want) {
			t.Errorf("%s: found %v, want %v", name, err, want)
		}
	}
}

// A few kilobytes that unpack to a line without end are refused early.
func TestReadSnapshotBomb(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := io.WriteString(z, head+"{\"host\":\"a\"}\n{\"f\":\"")
	must(t, err)
	block := bytes.Repeat([]byte("a"), 1<<20)
	for range 26 {
		_, err := z.Write(block)
		must(t, err)
	}
	must(t, z.Close())
	if _, err := machine.ReadSnapshot(&b); err == nil || !strings.Contains(err.Error(), "line 3: found a line longer than") {
		t.Errorf("found %v, want an error about the line", err)
	}
}
