// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"tarsia.dev/tarsia/finding"
)

// Exit codes. Of several that apply, failed comes before cannotTell before
// warned.
const (
	exitGood       = 0
	exitCouldNot   = 1
	exitUsage      = 2
	exitCannotTell = 3
	exitWarned     = 4
	exitFailed     = 8
)

// codeError carries an exit code. Its err may be nil: the result was printed
// and says it all.
type codeError struct {
	code int
	err  error
}

func (e *codeError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

func (e *codeError) Unwrap() error { return e.err }

// usageError is a wrong call, as against a call that could not be carried out.
func usageError(format string, args ...any) error {
	return &codeError{exitUsage, fmt.Errorf(format, args...)}
}

// hintError adds what to do next, one line each.
type hintError struct {
	err   error
	hints []string
}

func (e *hintError) Error() string { return e.err.Error() }
func (e *hintError) Unwrap() error { return e.err }

func withHint(err error, hints ...string) error { return &hintError{err, hints} }

// result turns an exit code into the error that carries it.
func result(code int) error {
	if code == exitGood {
		return nil
	}
	return &codeError{code: code}
}

// exitCode prints the error, if it has something to say, and returns the code.
func exitCode(err error, stderr io.Writer) int {
	if err == nil {
		return exitGood
	}
	code := exitCouldNot
	var coded *codeError
	if errors.As(err, &coded) {
		code = coded.code
		if coded.err == nil {
			return code
		}
	}
	fmt.Fprintf(stderr, "tarsia: %s\n", strings.TrimRight(err.Error(), "\n"))
	var hinted *hintError
	if errors.As(err, &hinted) {
		for _, h := range hinted.hints {
			fmt.Fprintf(stderr, "hint: %s\n", h)
		}
	}
	return code
}

// codeOf is the exit code of a report. Warnings count only when strict.
func codeOf(r finding.Report, strict bool) int {
	switch {
	case r.Count(finding.Fail) > 0:
		return exitFailed
	case r.Count(finding.Unknown) > 0:
		return exitCannotTell
	case strict && r.Count(finding.Warn) > 0:
		return exitWarned
	}
	return exitGood
}
