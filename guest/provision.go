// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// provisions are the files that a boot needs.
type provisions struct {
	cache     string
	qemu      *bundle
	kernel    *bundle
	program   string
	libraries string   // LD_LIBRARY_PATH
	roms      []string // QEMU arguments
	vmlinuz   string
	firmware  []string // QEMU arguments
}

// kernelSource says where an architecture's kernel comes from. Suites move:
// names are resolved when a test runs.
var kernelSource = map[string]struct{ suite, meta string }{
	"amd64":   {"bookworm", "linux-image-amd64"},
	"arm64":   {"bookworm", "linux-image-arm64"},
	"riscv64": {"sid", "linux-image-riscv64"},
}

// provision fetches QEMU, kernel and firmware into the cache.
func provision(ctx context.Context, spec Spec, b board) (*provisions, error) {
	if debianArch() == "" {
		return nil, fmt.Errorf("%w: no Debian packages for this machine", errNoApt)
	}
	cache, err := cacheDir()
	if err != nil {
		return nil, err
	}
	unlock, err := lock(cache)
	if err != nil {
		return nil, err
	}
	defer unlock()
	p := &provisions{cache: cache}
	if p.qemu, err = fetchQEMU(ctx, cache, spec.Arch, b); err != nil {
		return nil, err
	}
	source := kernelSource[spec.Arch]
	p.kernel, err = fetch(ctx, cache, "kernel-"+spec.Arch, func() (*suite, error) {
		return newSuite(cache, source.suite, b.arch, false)
	}, func(ctx context.Context, s *suite) ([]string, error) { return kernelPackages(ctx, s, source.meta) })
	if err != nil {
		return nil, err
	}
	return p, p.locate(ctx, cache, spec, b)
}

// locate finds the files in the bundles.
func (p *provisions) locate(ctx context.Context, cache string, spec Spec, b board) error {
	var err error
	if p.program, err = p.qemu.find("usr/bin/" + b.qemu); err != nil {
		return err
	}
	if p.libraries, err = p.qemu.libraries(); err != nil {
		return err
	}
	p.roms = []string{"-L", filepath.Join(p.qemu.root, "usr/share/qemu"), "-L", filepath.Join(p.qemu.root, "usr/share/seabios")}
	if p.vmlinuz, err = p.kernel.find("boot/vmlinuz-*", "usr/lib/modules/*/vmlinuz"); err != nil {
		return err
	}
	return p.locateUEFI(ctx, cache, spec, b)
}

// locateUEFI adds firmware where the machine needs it: for Secure Boot, and for
// an ACPI boot, without which there is no second root complex.
func (p *provisions) locateUEFI(ctx context.Context, cache string, spec Spec, b board) error {
	image := b.uefi.plain
	if spec.SecureBoot {
		if image = b.uefi.secure; image == "" {
			return fmt.Errorf("no Secure Boot firmware for %s", spec.Arch)
		}
	} else if image == "" || !(spec.Devices || spec.NUMA > 1 || spec.TPM) {
		return nil
	}
	bundle, err := fetch(ctx, cache, "uefi-"+spec.Arch, func() (*suite, error) {
		return newSuite(cache, b.uefi.suite, b.arch, false)
	}, func(context.Context, *suite) ([]string, error) { return []string{b.uefi.name}, nil })
	if err != nil {
		return err
	}
	code, err := bundle.find(image)
	if err != nil {
		return err
	}
	p.firmware = []string{"-drive", "if=pflash,format=raw,unit=0,readonly=on,file=" + code}
	if spec.Variables != "" {
		template, err := bundle.find(b.uefi.template)
		if err != nil {
			return err
		}
		if err := copyOnce(template, spec.Variables); err != nil {
			return err
		}
		p.firmware = append(p.firmware, "-drive", "if=pflash,format=raw,unit=1,file="+spec.Variables)
	}
	if spec.SecureBoot && spec.Arch == "amd64" {
		p.firmware = append(p.firmware, "-global", "driver=cfi.pflash01,property=secure,value=on", "-net", "none")
	}
	return nil
}

func copyOnce(from, to string) error {
	if _, err := os.Stat(to); err == nil {
		return nil
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o600)
}

// leastQEMU has a RISC-V IOMMU, SR-IOV network cards and AIA with devices.
const leastQEMU = "1:10.0"

// fetchQEMU tries this machine's suites until one has a QEMU that is new enough.
func fetchQEMU(ctx context.Context, cache, arch string, b board) (*bundle, error) {
	var problems []error
	for _, name := range hostSuites() {
		got, err := fetch(ctx, cache, "qemu-"+arch, func() (*suite, error) {
			return newSuite(cache, name, debianArch(), true)
		}, func(ctx context.Context, s *suite) ([]string, error) { return qemuPackages(ctx, s, b) })
		if err == nil {
			return got, nil
		}
		problems = append(problems, err)
	}
	return nil, fmt.Errorf("%w: no QEMU: %w", errNoApt, errors.Join(problems...))
}

func qemuPackages(ctx context.Context, s *suite, b board) ([]string, error) {
	out, err := s.apt(ctx, s.dir, "apt-cache", "show", "--no-all-versions", b.packages[0])
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(out) {
		version, ok := strings.CutPrefix(strings.TrimSpace(line), "Version: ")
		if !ok {
			continue
		}
		if err := exec.CommandContext(ctx, "dpkg", "--compare-versions", version, "ge", leastQEMU).Run(); err != nil {
			return nil, fmt.Errorf("%w: %s of %s is %s, want at least %s", errNoApt, b.packages[0], s.name, version, leastQEMU)
		}
		return b.packages, nil
	}
	return nil, fmt.Errorf("%w: %s has no %s", errNoApt, s.name, b.packages[0])
}

// kernelPackages resolves the image package; newer suites split it.
func kernelPackages(ctx context.Context, s *suite, meta string) ([]string, error) {
	image, err := s.dependency(ctx, meta, "linux-image-")
	if err != nil {
		return nil, err
	}
	version := strings.TrimPrefix(image, "linux-image-")
	if split := []string{"linux-binary-" + version, "linux-modules-" + version}; s.has(ctx, split[0]) {
		return split, nil
	}
	return []string{image}, nil
}

// initramfs packs init, the test binary and the modules, and returns the file.
// It lies in a folder that the test removes.
func (p *provisions) initramfs(ctx context.Context, t *testing.T, spec Spec, mark string) (string, error) {
	dir := t.TempDir()
	a := newArchive()
	for _, d := range []string{"proc", "sys", "dev", "tmp"} {
		a.dir(d)
	}
	for _, build := range []struct {
		name, out string
		args      []string
	}{
		{"init", "init", []string{"build", "-ldflags=-s -w", "-o", filepath.Join(dir, "init"), "tarsia.dev/tarsia/guest/init"}},
		{"tarsia/test", "test", []string{"test", "-c", "-ldflags=-s -w", "-o", filepath.Join(dir, "test"), "."}},
	} {
		cmd := exec.CommandContext(ctx, "go", build.args...)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+spec.Arch)
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("build %s for %s: %w\n%s", build.name, spec.Arch, err, out)
		}
		data, err := os.ReadFile(filepath.Join(dir, build.out))
		if err != nil {
			return "", err
		}
		a.add(build.name, 0o755, data)
	}
	index, err := indexModules(p.kernel.root)
	if err != nil {
		return "", err
	}
	load, err := index.closure(spec.Modules)
	if err != nil {
		return "", err
	}
	task := plan{Mark: mark, Env: []string{insideEnv + "=" + mark},
		Args: []string{"-test.run=^" + strings.ReplaceAll(t.Name(), "/", "$/^") + "$", "-test.v", "-test.count=1"}}
	for _, m := range load {
		file := "tarsia/modules/" + m.name + ".ko"
		a.add(file, 0o644, m.data)
		task.Modules = append(task.Modules, "/"+file)
	}
	carried, err := index.closure(spec.Carry)
	if err != nil {
		return "", err
	}
	for _, m := range carried {
		a.add(strings.TrimPrefix(CarriedModule(m.name), "/"), 0o644, m.data)
	}
	for name, data := range spec.Files {
		a.add("tarsia/files/"+name, 0o644, data)
	}
	data, err := task.json()
	if err != nil {
		return "", err
	}
	a.add("tarsia/plan.json", 0o644, data)
	return a.save(filepath.Join(dir, "initramfs.gz"))
}

func (a *archive) save(file string) (string, error) {
	f, err := os.Create(file)
	if err != nil {
		return "", err
	}
	z, err := gzip.NewWriterLevel(f, gzip.BestSpeed)
	if err != nil {
		return "", errors.Join(err, f.Close())
	}
	return file, errors.Join(a.writeTo(z), z.Close(), f.Close())
}
