// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// startTPM starts a software TPM 2.0 with fresh state and returns QEMU's
// arguments for it. It ends with the test, at the latest.
func startTPM(ctx context.Context, t *testing.T, dir, device string) ([]string, error) {
	if device == "" {
		return nil, fmt.Errorf("this machine has no TPM that its kernel can drive")
	}
	tools, err := getTools(ctx)
	if err != nil {
		return nil, err
	}
	state, socket := filepath.Join(dir, "tpm"), filepath.Join(dir, "tpm.sock")
	if err := os.Mkdir(state, 0o700); err != nil {
		return nil, err
	}
	cmd, err := tools.command("usr/bin/swtpm", "socket", "--tpm2", "--tpmstate", "dir="+state, "--ctrl", "type=unixio,path="+socket)
	if err != nil {
		return nil, err
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start swtpm: %w", err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		// It ends by itself when QEMU does; its status says nothing more.
		if err := cmd.Wait(); err != nil {
			return
		}
	}()
	t.Cleanup(func() { stopTPM(cmd, ended) })
	if err := awaitFile(ctx, socket, ended); err != nil {
		return nil, fmt.Errorf("swtpm did not open its socket: %w", err)
	}
	return []string{"-chardev", "socket,id=chrtpm,path=" + socket, "-tpmdev", "emulator,id=tpm0,chardev=chrtpm", "-device", device + ",tpmdev=tpm0"}, nil
}

func stopTPM(cmd *exec.Cmd, ended <-chan struct{}) {
	select {
	case <-ended:
	default:
		// It may end between the look and the signal; then there is nobody to kill.
		if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); err != nil {
			return
		}
		<-ended
	}
}

// awaitFile waits for another process to make a file.
func awaitFile(ctx context.Context, name string, ended <-chan struct{}) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	limit := time.NewTimer(20 * time.Second)
	defer limit.Stop()
	for {
		if _, err := os.Stat(name); err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-limit.C:
			return context.DeadlineExceeded
		case <-ctx.Done():
			return ctx.Err()
		case <-ended:
			return fmt.Errorf("it ended")
		}
	}
}
