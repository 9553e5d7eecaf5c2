// SPDX-License-Identifier: Apache-2.0

package ask_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"tarsia.dev/tarsia/ask"
)

// behaviour is the environment variable that makes this test binary a child.
const behaviour = "TARSIA_TEST_CHILD"

const empty = `{"version":1,"devices":[]}`

// TestMain is a child of that behaviour where the variable says so.
func TestMain(m *testing.M) {
	how := os.Getenv(behaviour)
	if how == "" {
		os.Exit(m.Run())
	}
	in := bufio.NewReader(os.Stdin)
	for {
		line, err := ask.ReadLine(in, ask.MaxRequest)
		if err != nil {
			os.Exit(0)
		}
		r, err := ask.ParseRequest(line)
		if err != nil {
			panic(err)
		}
		switch how {
		case "good":
			fmt.Printf(`{"tarsia":1,"id":%d,"answer":%s}`+"\n", r.ID, empty)
		case "last":
			fmt.Printf(`{"tarsia":1,"id":%d,"answer":%s,"last":true}`+"\n", r.ID, empty)
		case "error":
			fmt.Printf(`{"tarsia":1,"id":%d,"error":"no"}`+"\n", r.ID)
		case "other":
			fmt.Printf(`{"tarsia":1,"id":%d,"answer":%s}`+"\n", r.ID+1, empty)
		case "newer":
			fmt.Printf(`{"tarsia":2,"id":%d,"answer":%s}`+"\n", r.ID, empty)
		case "neither":
			fmt.Printf(`{"tarsia":1,"id":%d}`+"\n", r.ID)
		case "bad document":
			fmt.Printf(`{"tarsia":1,"id":%d,"answer":{"version":7}}`+"\n", r.ID)
		case "garbage":
			fmt.Println("Segmentation fault")
		case "endless":
			for {
				if _, err := os.Stdout.WriteString(strings.Repeat("x", 1<<16)); err != nil {
					os.Exit(1)
				}
			}
		case "exit":
			os.Exit(1)
		case "silent":
			// The parent must not wait for more than its time limit.
			_, _ = io.Copy(io.Discard, in)
		}
	}
}

// clock is set by hand.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func newChild(t *testing.T, how string, o ask.Options) *ask.Child {
	t.Helper()
	t.Setenv(behaviour, how)
	o.Command = []string{os.Args[0]}
	c := ask.New(o)
	t.Cleanup(c.Close)
	return c
}

func TestAnswers(t *testing.T) {
	c := newChild(t, "good", ask.Options{})
	for range 3 {
		if a, err := c.NVML(t.Context(), nil); err != nil || a.Version != 1 {
			t.Errorf("%+v, %v", a, err)
		}
	}
	c.Close()
	if _, err := c.NVML(t.Context(), nil); err != nil {
		t.Errorf("after Close: %v", err)
	}
}

// Each way to fail is an error that says so; the child rests after it, longer each
// time, and is then started again.
func TestFailures(t *testing.T) {
	for how, want := range map[string]string{
		"error":        "tarsia-device says: no",
		"other":        "found number 2, want 1",
		"newer":        "found protocol 2, want 1",
		"neither":      "neither answer nor error",
		"bad document": "version: found 7",
		"garbage":      `parse reply "Segmentation fault`,
		"endless":      "too long",
		"exit":         "read from tarsia-device: EOF",
		"silent":       "did not answer within",
	} {
		t.Run(how, func(t *testing.T) {
			now := &clock{time.Unix(0, 0)}
			o := ask.Options{Rest: time.Second, MaxRest: 3 * time.Second, Now: now.Now}
			if how == "silent" {
				o.Timeout, o.Grace = time.Millisecond, time.Millisecond
			}
			c := newChild(t, how, o)
			for _, rest := range []time.Duration{time.Second, 2 * time.Second, 3 * time.Second, 3 * time.Second} {
				if how == "other" {
					want = "want " // the numbers go on
				}
				if _, err := c.NVML(t.Context(), nil); err == nil || errors.Is(err, ask.ErrResting) || !strings.Contains(err.Error(), want) {
					t.Fatalf("got %v, want %q", err, want)
				}
				now.now = now.now.Add(rest - 1)
				if _, err := c.NVML(t.Context(), nil); !errors.Is(err, ask.ErrResting) || !strings.Contains(err.Error(), want) {
					t.Fatalf("%v after: got %v, want a rest for %q", rest-1, err, want)
				}
				now.now = now.now.Add(1)
			}
			if how == "silent" {
				return // a good child would need longer than its limit, too
			}
			t.Setenv(behaviour, "good")
			if _, err := c.NVML(t.Context(), nil); err != nil {
				t.Errorf("after its rest: %v", err)
			}
		})
	}
}

// A child that answers and ends has answered; the next one begins after a rest.
func TestLast(t *testing.T) {
	now := &clock{time.Unix(0, 0)}
	c := newChild(t, "last", ask.Options{Now: now.Now})
	if a, err := c.NVML(t.Context(), nil); err != nil || a == nil {
		t.Errorf("%+v, %v", a, err)
	}
	if _, err := c.NVML(t.Context(), nil); !errors.Is(err, ask.ErrResting) {
		t.Errorf("got %v, want a rest", err)
	}
}

func TestInterrupted(t *testing.T) {
	c := newChild(t, "silent", ask.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.NVML(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	t.Setenv(behaviour, "good")
	if _, err := c.NVML(t.Context(), nil); err != nil {
		t.Errorf("an interruption is no failure: %v", err)
	}
	if _, err := c.NVML(t.Context(), []string{strings.Repeat("x", ask.MaxRequest)}); err == nil || !strings.Contains(err.Error(), "want fewer than") {
		t.Errorf("a long request: %v", err)
	}
}

func TestNoProgram(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := ask.New(ask.Options{}).NVML(t.Context(), nil); !errors.Is(err, ask.ErrNoProgram) {
		t.Errorf("got %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"tarsia":1,"id":1,"ask":"nvml","timeoutMillis":9000,"known":["0000:1b:00.0"]}` + "\n"))
	f.Add([]byte(`{"tarsia":1,"id":1,"answer":{"version":1,"error":"LIBRARY_NOT_FOUND","devices":[]},"last":true}` + "\n"))
	f.Add([]byte(`{"tarsia":1,"id":1,"error":"x"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if r, err := ask.ParseRequest(data); err == nil && r.Tarsia != ask.Version {
			t.Errorf("%+v", r)
		}
		if r, err := ask.ParseReply(data, 1); err == nil && (r.ID != 1 || len(r.Answer) == 0) {
			t.Errorf("%+v", r)
		}
		line, err := ask.ReadLine(bufio.NewReader(strings.NewReader(string(data))), 100)
		if err == nil && (len(line) > 100 || line[len(line)-1] != '\n') {
			t.Errorf("%q", line)
		}
	})
}
