// SPDX-License-Identifier: Apache-2.0

// Command tarsia reads the topology of machines, checks a fleet and explains
// where jobs may run. One file holds one command; what they print is in the
// packages text, web and report.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// grace is how long a command that was told to end may put its files in order.
const grace = time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	done := make(chan int, 1)
	go func() { done <- run(ctx, os.Args[1:], os.Stdout, os.Stderr) }()
	select {
	case code := <-done:
		os.Exit(code)
	case <-ctx.Done():
		stop() // a second signal ends it at once
	}
	select {
	case code := <-done:
		os.Exit(code)
	case <-time.After(grace):
		// No context reaches a read from a terminal or a pipe that says nothing.
		fmt.Fprintln(os.Stderr, "tarsia: interrupted")
		os.Exit(exitCouldNot)
	}
}

// run is the whole program: arguments in, exit code out.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return exitCode(root.ExecuteContext(ctx), stderr)
}
