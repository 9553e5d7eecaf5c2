// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"time"

	"tarsia.dev/tarsia/ask"
	"tarsia.dev/tarsia/nvml"
	"tarsia.dev/tarsia/vendorlib"
)

// errSpent ends the process after its last reply, so that the next one begins
// with a fresh library.
var errSpent = errors.New("the library is of no more use to this process")

// maxWait bounds what a request may ask the child to wait.
const maxWait = 5 * time.Minute

// serve answers requests until the input ends. The library is called from one
// goroutine that keeps its thread; when a call does not come back, what is known
// is told and the process ends, stuck thread and all.
func serve(n *vendorlib.NVML, stdin io.Reader, stdout io.Writer) error {
	jobs := make(chan job)
	defer close(jobs)
	go work(n, jobs)
	lines := make(chan read)
	go readLines(stdin, lines)
	for l := range lines {
		if errors.Is(l.err, io.EOF) {
			return nil
		}
		if l.err != nil {
			return fmt.Errorf("read request: %w", l.err)
		}
		reply, end := answer(l.data, jobs, lines)
		if err := write(stdout, reply); err != nil {
			return err
		}
		if end != nil {
			return end
		}
	}
	return nil
}

// read is one line of the input, or its end.
type read struct {
	data []byte
	err  error
}

func readLines(stdin io.Reader, lines chan<- read) {
	r := bufio.NewReader(stdin)
	for {
		data, err := ask.ReadLine(r, ask.MaxRequest)
		lines <- read{data, err}
		if err != nil {
			close(lines)
			return
		}
	}
}

// job is one question for the library's thread.
type job struct {
	progress *vendorlib.Progress
	known    []string
	done     chan<- bool // whether the library is still of use
}

func work(n *vendorlib.NVML, jobs <-chan job) {
	// Some libraries keep state by thread, and purego's calls need a C stack.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for j := range jobs {
		j.done <- n.Ask(j.progress, j.known)
	}
}

// answer has one request answered. The error is why the process should end.
func answer(line []byte, jobs chan<- job, lines <-chan read) (ask.Reply, error) {
	r, err := ask.ParseRequest(line)
	reply := ask.Reply{Tarsia: ask.Version, ID: r.ID}
	switch {
	case err != nil:
		reply.Error = err.Error()
		return reply, nil
	case r.Ask != ask.NVML:
		reply.Error = fmt.Sprintf("found question %q, want %s", r.Ask, ask.NVML)
		return reply, nil
	}
	wait := min(max(time.Duration(r.TimeoutMillis)*time.Millisecond, 0), maxWait)
	limit := time.NewTimer(wait)
	defer limit.Stop()
	progress := vendorlib.NewProgress()
	done := make(chan bool, 1)
	jobs <- job{progress, r.Known, done}
	end := await(done, limit.C, lines)
	data, err := nvml.Write(progress.Answers())
	if err != nil {
		reply.Error = err.Error()
		return reply, end
	}
	reply.Answer, reply.Last = json.RawMessage(data[:len(data)-1]), end != nil
	return reply, end
}

// await returns when the question is answered, or why it is not. That the input
// has ended is no reason: a pipe from a file ends before the answer.
func await(done <-chan bool, limit <-chan time.Time, lines <-chan read) error {
	for {
		select {
		case useful := <-done:
			if !useful {
				return errSpent
			}
			return nil
		case <-limit:
			return errors.New("a call of the library did not come back in time")
		case l := <-lines:
			if l.err == nil {
				return errors.New("found a request before the reply to the last")
			}
			lines = nil
		}
	}
}

func write(w io.Writer, r ask.Reply) error {
	data, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("write reply: %w", err)
	}
	if len(data) >= ask.MaxReply {
		return fmt.Errorf("write reply: %d bytes, want fewer than %d", len(data), ask.MaxReply)
	}
	if _, err := w.Write(append(data, '\n')); err != nil {
		return fmt.Errorf("write reply: %w", err)
	}
	return nil
}
