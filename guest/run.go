// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// insideEnv is set in the guest; its value is the mark that begins the lines
// for the harness.
const insideEnv = "TARSIA_GUEST"

// Guest is the guest as seen from inside.
type Guest struct {
	Spec Spec
	mark string
}

// Result is what the host knows after a guest ended.
type Result struct {
	Exports map[string][]byte // by name, what the test exported
	Uptime  time.Duration     // the guest's own, when its init began
	Wall    time.Duration     // from QEMU's start to the verdict
	Kernel  string            // package and version of the kernel
}

// Run boots the machine and runs inside in it, as a part of the running test:
// a failure there fails the test here. Tests that only look share one boot as
// subtests of one Run. On the host it returns what the guest exported; inside,
// an empty Result. A machine that cannot have QEMU skips.
func Run(t *testing.T, spec Spec, inside func(t *testing.T, g *Guest)) Result {
	t.Helper()
	if mark := os.Getenv(insideEnv); mark != "" {
		inside(t, &Guest{Spec: spec, mark: mark})
		return Result{}
	}
	if os.Getenv("TARSIA_TESTS") != "all" {
		t.Skip("TARSIA_TESTS is not all: guests are left out, as they fetch kernels and take minutes")
	}
	result, err := boot(t, spec)
	if errors.Is(err, errNoApt) {
		t.Log(err)
		t.Skip("no guest: QEMU or a kernel cannot be had from Debian's archive")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s guest, %s: init at %.1f s, verdict at %.1f s", spec.Arch, result.Kernel, result.Uptime.Seconds(), result.Wall.Seconds())
	return result
}

// Inside tells whether this process runs in a guest.
func Inside() bool { return os.Getenv(insideEnv) != "" }

// Export hands a file to the host, which finds it in Result.Exports.
func (g *Guest) Export(name string, data []byte) {
	const width = 3 * 1024
	for i := 0; i == 0 || i < len(data); i += width {
		fmt.Printf("%s data %s %s\n", g.mark, name, base64.StdEncoding.EncodeToString(data[i:min(i+width, len(data))]))
	}
}

// Plug adds a device below the root port hp0 of a Spec with HotPlug. It returns
// at once; the kernel tells when the device is there.
func (g *Guest) Plug(driver, id string) {
	g.ask("device_add", "driver="+driver, "id="+id, "bus=hp0", "romfile=")
}

// Unplug takes it out again.
func (g *Guest) Unplug(id string) { g.ask("device_del", "id="+id) }

func (g *Guest) ask(command string, args ...string) {
	fmt.Printf("%s ask %s %s\n", g.mark, command, strings.Join(args, " "))
}

// CarriedModule is the path of a module of Spec.Carry inside the guest.
func CarriedModule(name string) string { return "/tarsia/carried/" + name + ".ko" }

func boot(t *testing.T, spec Spec) (Result, error) {
	b, ok := boards[spec.Arch]
	if !ok {
		return Result{}, fmt.Errorf("architecture %q: want amd64, arm64 or riscv64", spec.Arch)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	p, err := provision(ctx, spec, b)
	if err != nil {
		return Result{}, err
	}
	t.Logf("QEMU: %s", p.qemu)
	t.Logf("kernel: %s", p.kernel)
	mark := "tarsia-" + rand.Text()
	image, err := p.initramfs(ctx, t, spec, mark)
	if err != nil {
		return Result{}, err
	}
	// One guest at a time, whichever test binary boots it: two emulated machines
	// on two cores make each other late.
	unlock, err := lock(filepath.Join(p.cache, "boot"))
	if err != nil {
		return Result{}, err
	}
	defer unlock()
	return run(t, spec, b, p, image, mark)
}

// run starts QEMU and follows its console to the verdict. QEMU has a process
// group of its own, which is killed on every way out.
func run(t *testing.T, spec Spec, b board, p *provisions, image, mark string) (Result, error) {
	ctx, cancel := context.WithTimeout(t.Context(), spec.timeout())
	defer cancel()
	dir := filepath.Dir(image)
	socket := filepath.Join(dir, "qmp")
	args := append(spec.arguments(b), p.firmware...)
	if spec.TPM {
		device, err := startTPM(ctx, t, dir, b.tpm)
		if err != nil {
			return Result{}, err
		}
		args = append(args, device...)
	}
	args = append(args, p.roms...)
	args = append(args, "-kernel", p.vmlinuz, "-initrd", image,
		"-append", strings.Join(spec.commandLine(b), " "), "-qmp", "unix:"+socket+",server=on,wait=off")
	cmd := exec.CommandContext(ctx, p.program, args...)
	cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+p.libraries)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return Result{}, err
	}
	var problems strings.Builder
	cmd.Stderr = &problems
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return Result{}, fmt.Errorf("start QEMU: %w", err)
	}
	c := console{t: t, mark: mark, socket: socket, result: Result{Exports: map[string][]byte{}, Kernel: p.kernel.String()}}
	readErr := c.follow(stdout)
	c.result.Wall = time.Since(start)
	if c.exit == nil {
		cancel()
	}
	waitErr := cmd.Wait()
	switch {
	case c.exit != nil && *c.exit == 0:
		return c.result, nil
	case c.exit != nil:
		return c.result, fmt.Errorf("the test failed in the %s guest (exit %d %s)", spec.Arch, *c.exit, c.reason)
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return c.result, fmt.Errorf("the %s guest gave no verdict within %v; its last lines:\n%s", spec.Arch, spec.timeout(), strings.Join(c.last, "\n"))
	}
	return c.result, fmt.Errorf("the %s guest ended without a verdict: %w\n%s%s", spec.Arch, errors.Join(readErr, waitErr), problems.String(), strings.Join(c.last, "\n"))
}

// console follows what a guest prints.
type console struct {
	t      *testing.T
	mark   string
	socket string
	result Result
	up     bool
	exit   *int
	reason string
	last   []string // lines, for when there is no verdict
}

const lastLines = 30

func (c *console) follow(r io.Reader) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 64<<10), 1<<20)
	for lines.Scan() {
		line := strings.TrimRight(lines.Text(), "\r")
		if _, rest, ok := strings.Cut(line, c.mark+" "); ok {
			if err := c.marked(rest); err != nil {
				return err
			}
			if c.exit != nil {
				return nil
			}
			continue
		}
		if c.up { // before, it is the firmware that talks
			c.t.Log("guest: " + line)
		}
		if c.last = append(c.last, line); len(c.last) > lastLines {
			c.last = c.last[1:]
		}
	}
	return lines.Err()
}

// marked takes a line that is for the harness.
func (c *console) marked(line string) error {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "up":
		seconds, err := strconv.ParseFloat(rest, 64)
		if err != nil {
			return fmt.Errorf("uptime %q: %w", rest, err)
		}
		c.up = true
		c.result.Uptime = time.Duration(seconds * float64(time.Second))
	case "exit":
		status, reason, _ := strings.Cut(rest, " ")
		code, err := strconv.Atoi(status)
		if err != nil {
			return fmt.Errorf("exit status %q: %w", status, err)
		}
		c.exit, c.reason = &code, reason
	case "data":
		name, text, _ := strings.Cut(rest, " ")
		data, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return fmt.Errorf("export %s: %w", name, err)
		}
		c.result.Exports[name] = append(c.result.Exports[name], data...)
	case "ask":
		command, text, _ := strings.Cut(rest, " ")
		arguments := map[string]string{}
		for _, pair := range strings.Fields(text) {
			key, value, _ := strings.Cut(pair, "=")
			arguments[key] = value
		}
		return monitor(c.socket, command, arguments)
	default:
		return fmt.Errorf("the guest's harness said %q", line)
	}
	return nil
}

// plan is what init is told; see init/main.go.
type plan struct {
	Mark    string   `json:"mark"`
	Modules []string `json:"modules"`
	Args    []string `json:"args"`
	Env     []string `json:"env"`
}

func (p plan) json() ([]byte, error) { return json.Marshal(p) }
