// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"tarsia.dev/tarsia/discover"
	"tarsia.dev/tarsia/machine"
	"tarsia.dev/tarsia/topology"
)

// source says where a command reads machines: the live one, another root, or
// recordings.
type source struct {
	root      string
	snapshots []string
	noDevices bool
	asker     nvmlAsker // kept by a watch; nil asks a child of its own
}

func (s *source) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&s.root, "root", "/", "read the machine whose root this folder is")
	cmd.Flags().StringArrayVar(&s.snapshots, "snapshot", nil, "read recorded machines from this `file`, or from the *.snapshot files of a folder; may be repeated")
	cmd.Flags().BoolVar(&s.noDevices, "no-device-queries", false, "do not ask the libraries of device vendors (NVML)")
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) error {
		if cmd.Flags().Changed("root") && len(s.snapshots) > 0 {
			return usageError("--root reads one machine and --snapshot others: leave one of them out")
		}
		return nil
	}
}

// complete offers the names of the recorded machines to the shell.
func (s *source) complete(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	// To complete, cobra parses the flags twice, and the files add up.
	files := slices.Compact(slices.Sorted(slices.Values(s.snapshots)))
	all, err := readSnapshots(files)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	names := make([]string, len(all.Hosts))
	for i, h := range all.Hosts {
		names[i] = h.Name
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// host is one machine that can be read.
type host struct {
	name string // "" where the machine itself tells it
	from string // the root or file, for errors
	m    *machine.Machine
}

// open opens what the flags name. The site is what the recordings know of the
// place and of what runs there.
func (s *source) open(ctx context.Context) ([]host, topology.Site, error) {
	if len(s.snapshots) == 0 {
		m, err := s.live(ctx)
		if err != nil {
			return nil, topology.Site{}, err
		}
		return []host{{from: s.root, m: m}}, topology.Site{}, nil
	}
	all, err := readSnapshots(s.snapshots)
	if err != nil {
		return nil, topology.Site{}, err
	}
	var site topology.Site
	if all.Site != nil {
		if site, err = discover.ParseSite("site.yaml", all.Site); err != nil {
			return nil, topology.Site{}, err
		}
	}
	hosts := make([]host, len(all.Hosts))
	for i, h := range all.Hosts {
		hosts[i] = host{h.Name, "host " + h.Name, h.Files.Machine()}
	}
	return hosts, site, nil
}

// readSnapshots joins the recordings of several files. A host may be in one of
// them only.
func readSnapshots(names []string) (*machine.Snapshot, error) {
	files, err := snapshotFiles(names)
	if err != nil {
		return nil, err
	}
	all := &machine.Snapshot{}
	from := map[string]string{}
	for _, file := range files {
		snapshot, err := readSnapshot(file)
		if err != nil {
			return nil, err
		}
		for _, h := range snapshot.Hosts {
			if other, twice := from[h.Name]; twice {
				return nil, fmt.Errorf("snapshot %s holds host %q, which %s holds too", file, h.Name, other)
			}
			from[h.Name] = file
			all.Hosts = append(all.Hosts, h)
		}
		if snapshot.Site != nil {
			if all.Site != nil {
				return nil, fmt.Errorf("snapshot %s holds a site, and an earlier one does too", file)
			}
			all.Site = snapshot.Site
		}
	}
	return all, nil
}

// snapshotFiles replaces each folder by the *.snapshot files in it, by name.
func snapshotFiles(names []string) ([]string, error) {
	var files []string
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil || !info.IsDir() {
			files = append(files, name) // one that is not there is told by its reader
			continue
		}
		entries, err := os.ReadDir(name)
		if err != nil {
			return nil, fmt.Errorf("read snapshots: %w", err)
		}
		found := false
		for _, e := range entries {
			if !e.IsDir() && filepath.Ext(e.Name()) == ".snapshot" && !strings.HasPrefix(e.Name(), ".") {
				files = append(files, filepath.Join(name, e.Name()))
				found = true
			}
		}
		if !found {
			return nil, withHint(fmt.Errorf("read snapshots: %s is a folder without *.snapshot files", name), "--root reads a folder that holds sys and proc")
		}
	}
	return files, nil
}

func readSnapshot(file string) (*machine.Snapshot, error) {
	var snapshot *machine.Snapshot
	err := withSnapshot(file, func(f *os.File) (err error) {
		snapshot, err = machine.ReadSnapshot(f)
		return err
	})
	return snapshot, err
}

// withSnapshot opens a snapshot file and says plainly what is wrong with it.
func withSnapshot(file string, read func(f *os.File) error) error {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return withHint(fmt.Errorf("read snapshot: %w", err), "tarsia snapshot FILE records this machine")
	} else if err != nil {
		return fmt.Errorf("read snapshot: %w", err)
	}
	defer f.Close()
	if err := noFolder(f); err != nil {
		return fmt.Errorf("read snapshot: %w", err)
	}
	switch err := read(f); {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return withHint(fmt.Errorf("%s: %w", file, err), "the file ends too early: copy or record it again")
	case err != nil:
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// noFolder says plainly what a read would say in the system's words.
func noFolder(f *os.File) error {
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = fmt.Errorf("%s is a folder, want a file", f.Name())
	}
	return err
}

// fleet reads every machine.
func (s *source) fleet(ctx context.Context) (*topology.Fleet, error) {
	hosts, site, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	nodes, err := readNodes(ctx, hosts)
	if err != nil {
		return nil, err
	}
	name := site.Name
	if name == "" && len(nodes) == 1 {
		name = nodes[0].Name
	}
	return topology.NewFleet(name, nodes, site), nil
}

// readNodes reads the hosts side by side; the order of the result is theirs.
func readNodes(ctx context.Context, hosts []host) ([]*topology.Node, error) {
	nodes := make([]*topology.Node, len(hosts))
	errs := make([]error, len(hosts))
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(len(hosts), runtime.GOMAXPROCS(0)) {
		workers.Go(func() {
			for i := range next {
				if nodes[i], errs[i] = discover.Node(hosts[i].name, hosts[i].m); errs[i] != nil {
					errs[i] = fmt.Errorf("read %s: %w", hosts[i].from, errs[i])
				}
				errs[i] = errors.Join(errs[i], hosts[i].m.Close())
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
		return nil, err
	}
	return nodes, errors.Join(errs...)
}

// node reads one machine: the only one, or the one that is named.
func (s *source) node(ctx context.Context, name string) (*topology.Node, error) {
	hosts, _, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	if len(s.snapshots) > 0 {
		names := make([]string, len(hosts))
		for i, h := range hosts {
			names[i] = h.name
		}
		switch {
		case name != "":
			i := slices.Index(names, name)
			if i < 0 {
				return nil, withHint(usageError("no host %q in the snapshot", name), "it holds "+topology.NameRange(names))
			}
			hosts = hosts[i : i+1]
		case len(hosts) > 1:
			return nil, withHint(usageError("the snapshot holds %d hosts", len(hosts)), "name one of "+topology.NameRange(names))
		case len(hosts) == 0:
			return nil, errors.New("the snapshot holds no host")
		}
	}
	nodes, err := readNodes(ctx, hosts)
	if err != nil {
		return nil, err
	}
	if len(s.snapshots) == 0 && name != "" && name != nodes[0].Name {
		return nil, withHint(usageError("this machine is %q, not %q", nodes[0].Name, name), "--snapshot FILE reads others")
	}
	return nodes[0], nil
}

// findNode returns a node of a fleet by name.
func findNode(fleet *topology.Fleet, name string) (*topology.Node, error) {
	names := make([]string, len(fleet.Nodes))
	for i, n := range fleet.Nodes {
		if n.Name == name {
			return n, nil
		}
		names[i] = n.Name
	}
	return nil, withHint(usageError("no node %q", name), "the fleet holds "+strings.TrimSpace(topology.NameRange(names)))
}
