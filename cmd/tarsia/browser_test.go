// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tarsia.dev/tarsia/finding"
)

// TestBrowser opens the demo's page in a real browser: its script runs under the
// page's own content policy, without an error, and without a request.
func TestBrowser(t *testing.T) {
	if os.Getenv("TARSIA_TESTS") != "all" {
		t.Skip("TARSIA_TESTS is not all: the browser is left out")
	}
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed (Debian package chromium)")
	}
	dir := t.TempDir()
	if code := run(t.Context(), []string{"demo", "--dir", dir}, new(bytes.Buffer), new(bytes.Buffer)); code != exitFailed {
		t.Fatalf("tarsia demo exits %d", code)
	}
	all := show(t, demoFleet(t)).Report.Findings
	failed := 0
	for _, f := range all {
		if f.State == finding.Fail {
			failed++
		}
	}
	for _, c := range []struct{ name, fragment, want string }{
		{"whole page", "", fmt.Sprintf("%d of %d shown", len(all), len(all))},
		{"filter in the address", "#findings?state=FAIL", fmt.Sprintf("%d of %d shown", failed, len(all))},
		{"node in the address", "#node?name=hgx-02", `<dialog id="panel" aria-labelledby="panel-name" open=""`},
	} {
		t.Run(c.name, func(t *testing.T) {
			dom, log := browse(t, chromium, "file://"+filepath.Join(dir, "index.html")+c.fragment)
			if !strings.Contains(dom, c.want) {
				t.Errorf("the page's script did not write %q", c.want)
			}
			for line := range strings.Lines(log) {
				if strings.Contains(line, "CONSOLE") {
					t.Errorf("the browser complains: %s", line)
				}
			}
		})
	}
}

// browse returns the page as it stands after its scripts ran, and the browser's
// log.
func browse(t *testing.T, chromium, address string) (dom, log string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--enable-logging=stderr",
		"--user-data-dir="+t.TempDir(), "--dump-dom", address)
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		t.Fatalf("chromium: %v\n%s", err, problems.String())
	}
	return out.String(), problems.String()
}
