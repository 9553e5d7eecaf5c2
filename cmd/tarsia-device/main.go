// SPDX-License-Identifier: Apache-2.0

// Command tarsia-device loads the libraries of device vendors and answers what
// they say: one line of JSON for each line of JSON (package ask). It is a process
// of its own because a library that hangs or crashes takes its process along, and
// because a program that can load libraries is linked against the C library, which
// tarsia itself must not be. tarsia starts it by itself; by hand:
//
//	echo '{"tarsia":1,"id":1,"ask":"nvml","timeoutMillis":9000}' | tarsia-device
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"tarsia.dev/tarsia/vendorlib"
)

// version is set by the build.
var version = "0.1.0-dev"

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// run is the whole program: 0 when the input ended, 1 when it cannot go on, 2 for
// wrong usage.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("tarsia-device", flag.ContinueOnError)
	flags.SetOutput(stderr)
	library := flags.String("nvml", "", "load NVML from this absolute `path` instead of where drivers put it")
	tell := flags.Bool("version", false, "print the version")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if *tell {
		fmt.Fprintln(stdout, "tarsia-device "+version)
		return 0
	}
	paths := vendorlib.NVMLPaths()
	if *library != "" {
		if !filepath.IsAbs(*library) {
			fmt.Fprintf(stderr, "tarsia-device: -nvml %q: want an absolute path\n", *library)
			return 2
		}
		paths = []string{*library}
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "tarsia-device: found argument %q, want none\n", flags.Arg(0))
		return 2
	}
	if err := serve(vendorlib.NewNVML(paths...), stdin, stdout); err != nil {
		fmt.Fprintf(stderr, "tarsia-device: %v\n", err)
		return 1
	}
	return 0
}
