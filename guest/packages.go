// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
)

// suite is a Debian suite of one architecture, with an apt of its own: lists,
// cache and state lie below dir, and the machine's own apt is not touched.
type suite struct {
	name string // bookworm, sid
	arch string // Debian's word: amd64, arm64, riscv64
	dir  string
	host bool // resolve against what this machine has installed
}

// resolved is one package as it was found.
type resolved struct {
	Name, Version, SHA256 string
}

func (r resolved) String() string { return r.Name + " " + r.Version }

// errNoApt says that this is no Debian machine, or that its archive cannot be
// reached: guests cannot run here.
var errNoApt = errors.New("no packages from Debian's archive")

// cacheDir is where packages are kept between runs.
func cacheDir() (string, error) {
	dir := os.Getenv("TARSIA_GUEST_CACHE")
	if dir == "" {
		base, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("find cache: %w", err)
		}
		dir = filepath.Join(base, "tarsia", "guests")
	}
	return dir, os.MkdirAll(dir, 0o755)
}

// lock serialises processes and goroutines by a file in dir, which is made.
func lock(dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() { f.Close() }, nil
}

func newSuite(cache, name, arch string, host bool) (*suite, error) {
	kind := "guest"
	if host {
		kind = "host"
	}
	s := &suite{name: name, arch: arch, host: host, dir: filepath.Join(cache, "apt", kind+"-"+name+"-"+arch)}
	for _, d := range []string{"lists/partial", "cache/archives/partial", "etc"} {
		if err := os.MkdirAll(filepath.Join(s.dir, d), 0o755); err != nil {
			return nil, err
		}
	}
	mirror, keyring, err := debianMirror()
	if err != nil {
		return nil, err
	}
	// The archive's copy of a moving suite may be older than its Valid-Until:
	// that check alone is off, and only here. Signatures are always checked.
	var source strings.Builder
	for _, n := range s.names() {
		fmt.Fprintf(&source, "deb [arch=%s signed-by=%s check-valid-until=no] %s %s main\n", arch, keyring, mirror, n)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "etc/sources.list"), []byte(source.String()), 0o644); err != nil {
		return nil, err
	}
	if !host {
		return s, os.WriteFile(filepath.Join(s.dir, "status"), nil, 0o644)
	}
	return s, nil
}

// names are the suites to list: backports alone lack what their packages need.
func (s *suite) names() []string {
	if base, ok := strings.CutSuffix(s.name, "-backports"); ok {
		return []string{s.name, base, base + "-updates"}
	}
	return []string{s.name}
}

var (
	mirrorLine  = regexp.MustCompile(`(?m)^(?:URIs:\s*|deb\s+(?:\[[^]]*\]\s+)?)(\S+debian/?)(?:\s|$)`)
	keyringFile = "/usr/share/keyrings/debian-archive-keyring.gpg"
)

// debianMirror returns the archive that this machine's apt uses.
func debianMirror() (mirror, keyring string, err error) {
	if _, err := os.Stat(keyringFile); err != nil {
		return "", "", fmt.Errorf("%w: %w", errNoApt, err)
	}
	files, err := filepath.Glob("/etc/apt/sources.list.d/*")
	if err != nil {
		return "", "", err
	}
	for _, file := range append([]string{"/etc/apt/sources.list"}, files...) {
		data, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		for _, m := range mirrorLine.FindAllStringSubmatch(string(data), -1) {
			if !strings.Contains(m[1], "security") {
				return m[1], keyringFile, nil
			}
		}
	}
	return "", "", fmt.Errorf("%w: no Debian archive in /etc/apt", errNoApt)
}

func (s *suite) options() []string {
	status := filepath.Join(s.dir, "status")
	if s.host {
		status = "/var/lib/dpkg/status"
	}
	var o []string
	for _, opt := range []string{
		"APT::Architecture=" + s.arch,
		"APT::Architectures::=" + s.arch,
		"Dir::Etc::sourcelist=" + filepath.Join(s.dir, "etc/sources.list"),
		"Dir::Etc::sourceparts=/dev/null",
		"Dir::Etc::preferencesparts=/dev/null",
		"Dir::State::lists=" + filepath.Join(s.dir, "lists"),
		"Dir::Cache=" + filepath.Join(s.dir, "cache"),
		"Dir::State::status=" + status,
		"APT::Default-Release=" + s.name,
		"APT::Install-Recommends=false",
		"APT::Sandbox::User=",
		"Debug::NoLocking=1",
		"Acquire::Retries=3",
	} {
		o = append(o, "-o", opt)
	}
	return o
}

// apt runs one of apt's programs. A program that is not there, or an archive
// that does not answer, is errNoApt.
func (s *suite) apt(ctx context.Context, dir, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, program, append(s.options(), args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive")
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%w: %s %s (%s %s): %w\n%s", errNoApt, program, args[0], s.name, s.arch, err, tail(errOut.String(), 800))
	}
	return out.String(), nil
}

func tail(text string, n int) string {
	text = strings.TrimSpace(text)
	if len(text) > n {
		text = "..." + text[len(text)-n:]
	}
	return text
}

// update reads the package lists, at most once in a process.
func (s *suite) update(ctx context.Context) error {
	_, err := s.apt(ctx, s.dir, "apt-get", "-qq", "update")
	return err
}

// dependency returns the package that a metapackage such as linux-image-arm64
// stands for today.
func (s *suite) dependency(ctx context.Context, meta, prefix string) (string, error) {
	out, err := s.apt(ctx, s.dir, "apt-cache", "depends", meta)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(out) {
		name, ok := strings.CutPrefix(strings.TrimSpace(line), "Depends: ")
		if ok && strings.HasPrefix(name, prefix) && strings.ContainsAny(strings.TrimPrefix(name, prefix), "0123456789") {
			return name, nil
		}
	}
	return "", fmt.Errorf("%w: %s of %s depends on no %s*", errNoApt, meta, s.name, prefix)
}

// has tells whether the suite knows the package.
func (s *suite) has(ctx context.Context, name string) bool {
	out, err := s.apt(ctx, s.dir, "apt-cache", "show", "--no-all-versions", name)
	return err == nil && strings.Contains(out, "Package: "+name)
}

// unpack downloads the packages (with what they need and this machine lacks,
// when s.host) and unpacks them into root. It is done once: a file beside root
// holds what was resolved.
func (s *suite) unpack(ctx context.Context, root string, names []string) ([]resolved, error) {
	work, err := os.MkdirTemp(filepath.Dir(root), "download-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(work)
	if s.host {
		args := append([]string{"-qq", "-y", "--download-only", "--no-remove", "-o", "Dir::Cache::archives=" + work, "install"}, names...)
		if err := os.MkdirAll(filepath.Join(work, "partial"), 0o755); err != nil {
			return nil, err
		}
		if _, err := s.apt(ctx, work, "apt-get", args...); err != nil {
			return nil, err
		}
	} else if _, err := s.apt(ctx, work, "apt-get", append([]string{"-qq", "download"}, names...)...); err != nil {
		return nil, err
	}
	debs, err := filepath.Glob(filepath.Join(work, "*.deb"))
	if err != nil {
		return nil, err
	}
	slices.Sort(debs)
	var all []resolved
	for _, deb := range debs {
		r, err := describe(ctx, deb)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
		if out, err := exec.CommandContext(ctx, "dpkg-deb", "-x", deb, root).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("unpack %s: %w\n%s", filepath.Base(deb), err, out)
		}
	}
	return all, nil
}

func describe(ctx context.Context, deb string) (resolved, error) {
	out, err := exec.CommandContext(ctx, "dpkg-deb", "-f", deb, "Package", "Version").Output()
	if err != nil {
		return resolved{}, fmt.Errorf("read %s: %w", filepath.Base(deb), err)
	}
	var r resolved
	for line := range strings.Lines(string(out)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch key {
		case "Package":
			r.Name = value
		case "Version":
			r.Version = value
		}
	}
	sum, err := sha256File(deb)
	if err != nil {
		return resolved{}, err
	}
	r.SHA256 = sum
	return r, nil
}

// hostSuites are the suites to look for QEMU in, best first: what this machine
// runs, its backports, and the next stable release.
func hostSuites() []string {
	data, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(data)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "VERSION_CODENAME="); ok {
			return []string{name + "-backports", name}
		}
	}
	return nil
}

// debianArch is Debian's word for this machine, "" where Debian has none.
func debianArch() string {
	return map[string]string{"amd64": "amd64", "arm64": "arm64", "riscv64": "riscv64"}[runtime.GOARCH]
}
