// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"tarsia.dev/tarsia/topology"
)

// version is set by the release build; a development build says so.
var version = "0.1.0-dev"

// buildInfo is what `tarsia version -o json` prints.
type buildInfo struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Version    string `json:"version"`
	Commit     string `json:"commit"` // "" when the build did not record it
	Go         string `json:"go"`
	Platform   string `json:"platform"`
}

func readBuildInfo() buildInfo {
	b := buildInfo{APIVersion: topology.APIVersion, Kind: "Version", Version: version,
		Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				b.Commit = s.Value
			}
		}
	}
	return b
}

func versionText() string {
	b := readBuildInfo()
	commit := b.Commit
	if commit == "" {
		commit = "commit not recorded"
	}
	return fmt.Sprintf("tarsia %s %s (%s, %s)", b.Version, b.Platform, b.Go, commit)
}

// generator is what a page says of its maker: nothing of this machine, so that
// the same input gives the same bytes everywhere.
func generator() string { return "tarsia " + version }

func newVersion() *cobra.Command {
	var out output
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "print version, platform and commit",
		Example: "  tarsia version -o json",
		Args:    argCount(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return out.write(cmd, views{
				"text": func(w writer) error { _, err := fmt.Fprintln(w, versionText()); return err },
			}, readBuildInfo())
		},
	}
	out.flag(cmd, "text", "json", "yaml")
	return cmd
}
