// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"tarsia.dev/tarsia/machine"
	"tarsia.dev/tarsia/topology"
)

// maxHostsFile bounds a list of hosts.
const maxHostsFile = 4 << 20

// sshRun says how machines are recorded over ssh: with the OpenSSH client, which
// knows the site's keys, jump hosts and known hosts; nothing of that is ours.
type sshRun struct {
	hosts    string // the file that lists them
	remote   string // tarsia on the other side
	parallel int
	timeout  time.Duration // for each host
}

// plainArgument is what reaches a remote shell unchanged. ssh joins the words of
// a command and the other side's shell cuts them again, so nothing else is sent.
const plainArgument = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/+-"

func (s *sshRun) check() error {
	switch {
	case s.remote == "" || strings.Trim(s.remote, plainArgument) != "" || s.remote[0] == '-':
		return usageError("--remote %q: want a program such as tarsia or /usr/local/bin/tarsia, of letters, digits and ._/+-", s.remote)
	case s.parallel < 1 || s.parallel > 256:
		return usageError("--parallel %d: want 1 to 256", s.parallel)
	case s.timeout <= 0:
		return usageError("--timeout %s: want more than nothing", s.timeout)
	}
	return nil
}

// failedHost is one host that was not recorded, and why.
type failedHost struct{ host, why string }

// record records every host of the list, s.parallel at a time, in the order of
// the list. A host that fails is listed and does not stop the others.
func (s *sshRun) record(ctx context.Context, stderr io.Writer) (*machine.Snapshot, []failedHost, error) {
	hosts, err := readHosts(s.hosts)
	if err != nil {
		return nil, nil, err
	}
	ssh, err := exec.LookPath("ssh")
	if err != nil {
		return nil, nil, withHint(fmt.Errorf("find the OpenSSH client: %w", err), "install openssh-client")
	}
	found := make([]*machine.Host, len(hosts))
	why := make([]error, len(hosts))
	next := make(chan int)
	var workers sync.WaitGroup
	var mu sync.Mutex
	done, failed := 0, 0
	for range min(s.parallel, len(hosts)) {
		workers.Go(func() {
			for i := range next {
				found[i], why[i] = s.one(ctx, ssh, hosts[i])
				mu.Lock()
				done++
				if why[i] != nil {
					failed++
				}
				if done*10/len(hosts) > (done-1)*10/len(hosts) && len(hosts) >= 10 {
					fmt.Fprintf(stderr, "%d of %d hosts, %d failed\n", done, len(hosts), failed)
				}
				mu.Unlock()
			}
		})
	}
	for i := range hosts {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	workers.Wait()
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	all := &machine.Snapshot{}
	var bad []failedHost
	from := map[string]string{}
	for i, h := range found {
		switch {
		case why[i] != nil:
			bad = append(bad, failedHost{hosts[i], why[i].Error()})
		case from[h.Name] != "":
			bad = append(bad, failedHost{hosts[i], fmt.Sprintf("it calls itself %s, as %s does", h.Name, from[h.Name])})
		default:
			from[h.Name] = hosts[i]
			all.Hosts = append(all.Hosts, *h)
		}
	}
	return all, bad, nil
}

// one records one host. The child ends with the context or after the timeout.
func (s *sshRun) one(ctx context.Context, ssh, host string) (*machine.Host, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	connect := max(1, int(s.timeout/time.Second))
	cmd := exec.CommandContext(ctx, ssh, "-T", "-o", "BatchMode=yes", "-o", fmt.Sprintf("ConnectTimeout=%d", connect), "--", host, s.remote, "snapshot", "-")
	cmd.WaitDelay = time.Second // what the client leaves behind may hold its pipes
	var told tail
	cmd.Stderr = &told
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("make a pipe: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start ssh: %w", err)
	}
	snapshot, readErr := machine.ReadSnapshot(out)
	if readErr != nil {
		cancel() // it may go on writing what nobody reads
	}
	waitErr := cmd.Wait()
	switch {
	case ctx.Err() != nil && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, fmt.Errorf("no answer within %s", s.timeout)
	case waitErr != nil && (readErr == nil || told.last() != ""):
		return nil, fmt.Errorf("%s", cmp.Or(told.last(), waitErr.Error()))
	case readErr != nil:
		return nil, readErr
	case len(snapshot.Hosts) != 1:
		return nil, fmt.Errorf("found %d machines in its recording, want one", len(snapshot.Hosts))
	}
	return &snapshot.Hosts[0], nil
}

// tail keeps the end of what a child says.
type tail struct{ data []byte }

func (t *tail) Write(p []byte) (int, error) {
	const most = 4096
	t.data = append(t.data, p...)
	if len(t.data) > most {
		t.data = append(t.data[:0], t.data[len(t.data)-most:]...)
	}
	return len(p), nil
}

// last is the last line that is not empty and no hint, without control characters.
func (t *tail) last() string {
	lines := strings.Split(string(t.data), "\n")
	for _, line := range slices.Backward(lines) {
		line = strings.TrimSpace(strings.Map(func(r rune) rune {
			if r < ' ' || r == 0x7f {
				return ' '
			}
			return r
		}, strings.ToValidUTF8(line, "?")))
		if line != "" && !strings.HasPrefix(line, "hint: ") {
			return line
		}
	}
	return ""
}

// readHosts reads a list of hosts: names and ranges of names as every command
// prints them, on one line or many; # begins a comment.
func readHosts(file string) ([]string, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read hosts: %w", err)
	}
	defer f.Close()
	if err := noFolder(f); err != nil {
		return nil, fmt.Errorf("read hosts: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxHostsFile+1))
	if err != nil {
		return nil, fmt.Errorf("read hosts: %w", err)
	}
	if len(data) > maxHostsFile {
		return nil, fmt.Errorf("read hosts %s: longer than %d MiB", file, maxHostsFile>>20)
	}
	return parseHosts(file, data)
}

func parseHosts(file string, data []byte) ([]string, error) {
	var hosts []string
	seen := map[string]int{}
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, maxHostsFile+1)
	for n := 1; lines.Scan(); n++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		for word := range strings.FieldsSeq(text) {
			names, err := topology.ParseNameRange(strings.TrimSuffix(word, ","))
			if err != nil {
				return nil, fmt.Errorf("%s:%d: %w", file, n, err)
			}
			for _, name := range names {
				if strings.Trim(name, plainArgument+"@:") != "" || name[0] == '-' {
					return nil, fmt.Errorf("%s:%d: found %q, want a host as ssh takes it: [user@]name", file, n, name)
				}
				if seen[name] != 0 {
					return nil, fmt.Errorf("%s:%d: found %q again, first on line %d", file, n, name, seen[name])
				}
				seen[name] = n
				hosts = append(hosts, name)
			}
			if len(hosts) > machine.MaxHosts {
				return nil, fmt.Errorf("%s:%d: found more than %d hosts", file, n, machine.MaxHosts)
			}
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read hosts %s: %w", file, err)
	}
	if len(hosts) == 0 {
		return nil, fmt.Errorf("%s:1: found no host, want one a line", file)
	}
	return hosts, nil
}
