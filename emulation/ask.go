// SPDX-License-Identifier: Apache-2.0

package emulation

import (
	"errors"
	"io/fs"
	"path"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"tarsia.dev/tarsia/machine"
)

// maxPIDs bounds the processes that Ask looks at; Linux allows 4 million.
const maxPIDs = 1 << 16

// Ask finds out about this process and its neighbours. The machine is the live
// one: of any other the answer would tell of the wrong machine.
//
// QEMU's user emulation answers for /proc/self itself, so that a program finds
// its own name there; /proc/thread-self it leaves to the kernel, which names the
// file that it executes (qemu linux-user/syscall.c, is_proc_myself).
func Ask(live *machine.Machine) Answer {
	a := Answer{Version: Version, GOARCH: runtime.GOARCH, Hypervisor: hypervisor(), Processes: []Process{}}
	if file, err := live.ReadLink("proc/thread-self/exe"); err == nil && Emulator(file) != "" {
		a.Executable = image(file)
	}
	names, err := live.ReadDir("proc")
	if err != nil {
		return a
	}
	var pids []int
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil && pid > 0 {
			pids = append(pids, pid)
		}
	}
	// The reader is no neighbour of its own.
	if self, err := live.ReadLink("proc/self"); err == nil {
		pids = slices.DeleteFunc(pids, func(pid int) bool { return strconv.Itoa(pid) == self })
	}
	slices.Sort(pids)
	for _, pid := range pids[:min(len(pids), maxPIDs)] {
		file, err := live.ReadLink("proc/" + strconv.Itoa(pid) + "/exe")
		switch {
		case errors.Is(err, fs.ErrPermission):
			a.Unreadable++
		case err != nil: // it has ended, or is the kernel's own
		case Emulator(file) != "" && len(a.Processes) < MaxProcesses:
			a.Processes = append(a.Processes, Process{PID: pid, Image: image(file)})
		case Emulator(file) != "":
			a.LeftOut++
		}
	}
	return a
}

func image(file string) string { return path.Base(strings.TrimSuffix(file, " (deleted)")) }
