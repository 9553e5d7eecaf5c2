// SPDX-License-Identifier: Apache-2.0

package ask

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"tarsia.dev/tarsia/nvml"
)

// Name is the file name of the child's program.
const Name = "tarsia-device"

// ErrNoProgram is the error of Find, and of a Child without program.
var ErrNoProgram = errors.New(Name + " is neither beside tarsia nor on PATH")

// ErrResting is the answer while a child that failed is not yet started again.
var ErrResting = errors.New(Name + " failed a moment ago and rests")

// errLast is a child that answered and then ended.
var errLast = errors.New(Name + " ended: the library hangs, or is of no use to it")

// Find returns the child's program: beside this one, or on PATH. A program in the
// current folder is not taken.
func Find() (string, error) {
	if self, err := os.Executable(); err == nil {
		if self, err = filepath.EvalSymlinks(self); err == nil {
			beside := filepath.Join(filepath.Dir(self), Name)
			if info, err := os.Stat(beside); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
				return beside, nil
			}
		}
	}
	path, err := exec.LookPath(Name)
	if err != nil || !filepath.IsAbs(path) {
		return "", ErrNoProgram
	}
	return path, nil
}

// Options say how a child is started and how long it is waited for. Zero values
// take the defaults.
type Options struct {
	Command []string      // program and arguments; the default is what Find finds
	Timeout time.Duration // of one question, 15 s: nvmlInit takes seconds where the driver keeps no state
	Grace   time.Duration // beyond it before the child is killed, 2 s
	Rest    time.Duration // after a first failure, 1 s; doubles with each further one
	MaxRest time.Duration // 2 min
	Now     func() time.Time
}

// Child is the child process, started with the first question. It is safe for
// concurrent use; questions wait for each other.
type Child struct {
	options Options

	mu       sync.Mutex
	run      *running // nil while none runs
	id       int
	failures int // in a row
	until    time.Time
	last     error // what the rest is for
}

// running is one process.
type running struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines chan line     // unbuffered: a reply nobody asked for waits here
	end   chan struct{} // closed when nobody wants a line any more
}

type line struct {
	data []byte
	err  error
}

// New returns a child that does not run yet.
func New(o Options) *Child {
	if o.Timeout == 0 {
		o.Timeout = 15 * time.Second
	}
	if o.Grace == 0 {
		o.Grace = 2 * time.Second
	}
	if o.Rest == 0 {
		o.Rest = time.Second
	}
	if o.MaxRest == 0 {
		o.MaxRest = 2 * time.Minute
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Child{options: o}
}

// NVML asks what libnvidia-ml says of the devices. known are the addresses that
// the driver lists. The error is ErrNoProgram, ErrResting with the earlier error,
// that of the context, or says how the child failed.
func (c *Child) NVML(ctx context.Context, known []string) (*nvml.Answers, error) {
	var a *nvml.Answers
	err := c.ask(ctx, Request{Ask: NVML, Known: known}, func(answer json.RawMessage) (err error) {
		a, err = nvml.Parse(answer)
		return err
	})
	return a, err
}

// ask has one question answered. A child that fails it, in whatever way, is ended.
func (c *Child) ask(ctx context.Context, r Request, read func(json.RawMessage) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.run == nil && c.options.Now().Before(c.until) {
		return fmt.Errorf("%w: %w", ErrResting, c.last)
	}
	err := c.once(ctx, r, read)
	switch {
	case err == nil:
		c.failures = 0
		return nil
	case ctx.Err() != nil, errors.Is(err, ErrNoProgram):
		c.end()
	default:
		c.end()
		c.last = err
		c.until = c.options.Now().Add(min(c.options.Rest<<min(c.failures, 16), c.options.MaxRest))
		c.failures++
	}
	if errors.Is(err, errLast) {
		return nil // it answered
	}
	return err
}

func (c *Child) once(ctx context.Context, r Request, read func(json.RawMessage) error) error {
	if c.run == nil {
		run, err := start(c.options.Command)
		if err != nil {
			return err
		}
		c.run = run
	}
	c.id++
	r.Tarsia, r.ID, r.TimeoutMillis = Version, c.id, int(c.options.Timeout.Milliseconds())
	data, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("ask %s: %w", Name, err)
	}
	if len(data) >= MaxRequest {
		return fmt.Errorf("ask %s: a request of %d bytes, want fewer than %d", Name, len(data), MaxRequest)
	}
	if _, err := c.run.in.Write(append(data, '\n')); err != nil {
		return fmt.Errorf("ask %s: %w", Name, err)
	}
	limit := time.NewTimer(c.options.Timeout + c.options.Grace)
	defer limit.Stop()
	select {
	case l := <-c.run.lines:
		if l.err != nil {
			return fmt.Errorf("read from %s: %w", Name, l.err)
		}
		reply, err := ParseReply(l.data, r.ID)
		if err == nil {
			err = read(reply.Answer)
		}
		if err == nil && reply.Last {
			err = errLast
		}
		return err
	case <-limit.C:
		return fmt.Errorf("%s did not answer within %v", Name, c.options.Timeout+c.options.Grace)
	case <-ctx.Done():
		return ctx.Err()
	}
}

func start(command []string) (*running, error) {
	if len(command) == 0 {
		program, err := Find()
		if err != nil {
			return nil, err
		}
		command = []string{program}
	}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir = "/" // no folder of a user's is current where libraries are loaded
	// A driver's library prints to standard error as it likes; the answers say all.
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", Name, err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", Name, err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", Name, err)
	}
	r := &running{cmd: cmd, in: in, lines: make(chan line), end: make(chan struct{})}
	go r.read(out)
	return r, nil
}

// read hands on lines until the child's output ends or nobody wants them, and
// then takes the child's exit.
func (r *running) read(out io.Reader) {
	buffered := bufio.NewReaderSize(out, 64<<10)
	for {
		data, err := ReadLine(buffered, MaxReply)
		select {
		case r.lines <- line{data, err}:
		case <-r.end:
			err = io.EOF
		}
		if err != nil {
			// The exit of a child that was killed says nothing new.
			_ = r.cmd.Wait()
			return
		}
	}
}

// end kills the child. It waits for nothing: a process that is stuck in a driver
// dies when the driver lets go of it.
func (c *Child) end() {
	if c.run == nil {
		return
	}
	close(c.run.end)
	_ = c.run.in.Close()
	_ = c.run.cmd.Process.Kill() // it may have ended by itself
	c.run = nil
}

// Close ends the child, if one runs. A later question starts another.
func (c *Child) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.end()
}
