// SPDX-License-Identifier: Apache-2.0

// Command init is the first process of a test guest: it mounts what the kernel
// offers, loads the modules that the test wants, runs the test binary, prints
// its exit status after a mark that the host knows, and powers off. It is built
// static for the guest's architecture and runs nowhere else.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// plan is what the host wants done; it lies at /tarsia/plan.json.
type plan struct {
	Mark    string   `json:"mark"`    // begins each line that is for the harness
	Modules []string `json:"modules"` // files to load, in order
	Args    []string `json:"args"`    // of the test binary
	Env     []string `json:"env"`
}

func main() {
	var p plan
	defer unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	if err := prepare(&p); err != nil {
		fmt.Printf("%s exit 125 %v\n", p.Mark, err)
		return
	}
	cmd := exec.Command("/tarsia/test", p.Args...)
	cmd.Dir = "/tmp"
	cmd.Env = append(p.Env, "PATH=/tarsia", "HOME=/tmp", "TMPDIR=/tmp")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stdout
	err := cmd.Run()
	if cmd.ProcessState == nil {
		fmt.Printf("%s exit 125 %v\n", p.Mark, err)
		return
	}
	fmt.Printf("%s exit %d\n", p.Mark, cmd.ProcessState.ExitCode())
}

func prepare(p *plan) error {
	data, err := os.ReadFile("/tarsia/plan.json")
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, p); err != nil {
		return err
	}
	for _, m := range []struct{ kind, dir string }{
		{"proc", "/proc"}, {"sysfs", "/sys"}, {"devtmpfs", "/dev"}, {"tmpfs", "/tmp"},
		{"securityfs", "/sys/kernel/security"}, {"cgroup2", "/sys/fs/cgroup"}, {"tracefs", "/sys/kernel/tracing"},
	} {
		if err := os.MkdirAll(m.dir, 0o755); err != nil && !strings.HasPrefix(m.dir, "/sys/") {
			return err
		}
		if err := unix.Mount(m.kind, m.dir, m.kind, 0, ""); err != nil && !strings.HasPrefix(m.dir, "/sys/") {
			return fmt.Errorf("mount %s: %w", m.dir, err)
		}
	}
	if uptime, err := os.ReadFile("/proc/uptime"); err == nil {
		fmt.Printf("%s up %s\n", p.Mark, strings.Fields(string(uptime))[0])
	}
	for _, file := range p.Modules {
		if err := load(file); err != nil {
			return fmt.Errorf("load %s: %w", file, err)
		}
	}
	// Only there after a boot through UEFI.
	if err := unix.Mount("efivarfs", "/sys/firmware/efi/efivars", "efivarfs", 0, ""); err != nil && err != unix.ENOENT && err != unix.ENODEV {
		return fmt.Errorf("mount efivarfs: %w", err)
	}
	return nil
}

func load(file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	parameters, err := unix.BytePtrFromString("")
	if err != nil {
		return err
	}
	_, _, errno := unix.Syscall(unix.SYS_INIT_MODULE, uintptr(unsafe.Pointer(&data[0])), uintptr(len(data)), uintptr(unsafe.Pointer(parameters)))
	if errno != 0 && errno != unix.EEXIST {
		return errno
	}
	return nil
}
