// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Tools are Debian programs for this machine that tests need beside QEMU:
// signing tools of the kernel and of UEFI, a TPM. They are unpacked, not
// installed.
type Tools struct{ b *bundle }

// toolPackages are resolved against this machine's release.
var toolPackages = []string{"efitools", "swtpm"}

// GetTools returns the tools, or skips where Debian's packages are not to be
// had.
func GetTools(t *testing.T) *Tools {
	t.Helper()
	if os.Getenv("TARSIA_TESTS") != "all" {
		t.Skip("TARSIA_TESTS is not all: guests are left out, as they fetch kernels and take minutes")
	}
	tools, err := getTools(t.Context())
	if errors.Is(err, errNoApt) {
		t.Log(err)
		t.Skip("no guest: QEMU or a kernel cannot be had from Debian's archive")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("tools: %s", tools.b)
	return tools
}

func getTools(ctx context.Context) (*Tools, error) {
	cache, err := cacheDir()
	if err != nil {
		return nil, err
	}
	unlock, err := lock(cache)
	if err != nil {
		return nil, err
	}
	defer unlock()
	var problems []error
	for _, name := range hostSuites() {
		b, err := fetch(ctx, cache, "tools", func() (*suite, error) {
			return newSuite(cache, name, debianArch(), true)
		}, pickTools)
		if err == nil {
			return &Tools{b}, nil
		}
		problems = append(problems, err)
	}
	return nil, fmt.Errorf("%w: no tools: %w", errNoApt, errors.Join(problems...))
}

// pickTools adds the newest linux-kbuild of the suite, which holds sign-file.
func pickTools(ctx context.Context, s *suite) ([]string, error) {
	out, err := s.apt(ctx, s.dir, "apt-cache", "search", "--names-only", "^linux-kbuild-")
	if err != nil {
		return nil, err
	}
	var newest string
	for line := range strings.Lines(out) {
		name, _, _ := strings.Cut(line, " ")
		if exec.CommandContext(ctx, "dpkg", "--compare-versions", name, "gt", newest).Run() == nil {
			newest = name
		}
	}
	if newest == "" {
		return nil, fmt.Errorf("%w: %s has no linux-kbuild", errNoApt, s.name)
	}
	return append([]string{newest}, toolPackages...), nil
}

// Run runs a program of the tools in dir; its name is a path pattern below
// their root, as "usr/bin/cert-to-efi-sig-list".
func (tools *Tools) Run(t *testing.T, dir, program string, args ...string) {
	t.Helper()
	cmd, err := tools.command(program, args...)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", filepath.Base(program), err, out)
	}
}

func (tools *Tools) command(program string, args ...string) (*exec.Cmd, error) {
	path, err := tools.b.find(program)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(path, args...)
	libraries, err := tools.b.libraries()
	if err != nil {
		return nil, err
	}
	cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+libraries)
	return cmd, nil
}

// KernelModule returns a module of the kernel that guests of an architecture
// boot, unpacked.
func KernelModule(t *testing.T, arch, name string) []byte {
	t.Helper()
	p, err := provision(t.Context(), Spec{Arch: arch}, boards[arch])
	if err != nil {
		t.Fatal(err)
	}
	index, err := indexModules(p.kernel.root)
	if err != nil {
		t.Fatal(err)
	}
	file, ok := index.files[name]
	if !ok {
		t.Fatalf("%s has no module %s", p.kernel, name)
	}
	data, err := readModule(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
