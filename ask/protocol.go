// SPDX-License-Identifier: Apache-2.0

// Package ask asks vendors' libraries about devices through the child process
// tarsia-device, which loads them: a library that hangs or crashes takes the child
// along and nobody else. A Child starts it, gives each question a time limit, kills
// it when it does not answer, and starts the next one only after a while.
//
// The two speak lines of JSON, one request and one reply in turn, over the child's
// standard input and output. Each line names the version of the protocol and the
// number of the request; the child ends when its input does. Nothing of the
// request is a path or a command: which libraries are loaded is the child's to
// know.
package ask

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Version is the version of the protocol.
const Version = 1

// Bounds of a line in each direction. A reply holds one document of answers, which
// has a bound of its own.
const (
	MaxRequest = 64 << 10
	MaxReply   = 5 << 20
)

// NVML is the question for the answers of libnvidia-ml.
const NVML = "nvml"

// Request is one line to the child.
type Request struct {
	Tarsia        int      `json:"tarsia"` // Version
	ID            int      `json:"id"`
	Ask           string   `json:"ask"`
	TimeoutMillis int      `json:"timeoutMillis"`   // after which the child answers with what it has
	Known         []string `json:"known,omitempty"` // addresses of the devices that the driver lists
}

// Reply is one line from the child. Either Answer or Error is there.
type Reply struct {
	Tarsia int             `json:"tarsia"`
	ID     int             `json:"id"`
	Answer json.RawMessage `json:"answer,omitempty"`
	Error  string          `json:"error,omitempty"`
	Last   bool            `json:"last,omitempty"` // the child ends now: the library hangs, or is of no use to it
}

// errLong is a line beyond its bound.
var errLong = errors.New("found a line that is too long")

// ReadLine reads one line of at most limit bytes. At the end of the input the
// error is io.EOF.
func ReadLine(r *bufio.Reader, limit int) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		if len(line)+len(part) > limit {
			return nil, errLong
		}
		line = append(line, part...)
		switch {
		case err == nil:
			return line, nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(line) > 0:
			return nil, io.ErrUnexpectedEOF
		default:
			return nil, err
		}
	}
}

// ParseRequest reads one request. Keys that a later version adds are let be.
func ParseRequest(line []byte) (Request, error) {
	var r Request
	if err := json.Unmarshal(line, &r); err != nil {
		return Request{}, fmt.Errorf("parse request %q: %w", clip(line), err)
	}
	if r.Tarsia != Version {
		return r, fmt.Errorf("parse request: found protocol %d, want %d", r.Tarsia, Version)
	}
	return r, nil
}

// ParseReply reads one reply to the request of that id, which holds an answer.
func ParseReply(line []byte, id int) (Reply, error) {
	var r Reply
	if err := json.Unmarshal(line, &r); err != nil {
		return r, fmt.Errorf("parse reply %q: %w", clip(line), err)
	}
	switch {
	case r.Tarsia != Version:
		return r, fmt.Errorf("parse reply: found protocol %d, want %d: tarsia and tarsia-device are of different versions", r.Tarsia, Version)
	case r.ID != id:
		return r, fmt.Errorf("parse reply: found number %d, want %d", r.ID, id)
	case r.Error != "":
		return r, fmt.Errorf("tarsia-device says: %s", clip([]byte(r.Error)))
	case len(r.Answer) == 0:
		return r, errors.New("parse reply: found neither answer nor error")
	}
	return r, nil
}

func clip(text []byte) string {
	if len(text) > 120 {
		return string(text[:120]) + "..."
	}
	return string(text)
}
