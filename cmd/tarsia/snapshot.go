// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tarsia.dev/tarsia/discover"
	"tarsia.dev/tarsia/internal/atomicfile"
	"tarsia.dev/tarsia/machine"
	"tarsia.dev/tarsia/topology"
)

func newSnapshot() *cobra.Command {
	var (
		from  source
		name  string
		file  string
		site  string
		force bool
		ssh   sshRun
	)
	cmd := &cobra.Command{
		Use:   "snapshot {FILE | -o FILE}",
		Short: "record this machine, or join recordings, into one file",
		Long: `Record the raw facts of a machine: files, links and read errors, as they are
read. Every command that reads a machine also reads the recording, with the
same result. The recording holds no serial numbers, hardware addresses of
network cards, disk names or secrets of the kernel command line. FILE may be -
for standard output.

With --ssh, the hosts of a list are recorded side by side: on each, the OpenSSH
client runs "tarsia snapshot -". It asks for no password. Hosts that fail are
listed with the reason, the others are written, and the exit code is 3.

With --snapshot, the machines of several recordings are joined into one fleet;
--site adds what no machine knows of itself: racks, images.`,
		Example: `  tarsia snapshot host.snapshot
  ssh host tarsia snapshot - > host.snapshot
  tarsia snapshot --ssh hosts.txt -o fleet.snapshot
  tarsia snapshot fleet.snapshot --snapshot a.snapshot --snapshot b.snapshot --site site.yaml`,
		Args: argCount(0, 1, "the file to write, or -"),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 1 && file == "":
				file = args[0]
			case len(args) == 1 || file == "":
				return usageError("found %s, want the file to write, or -, once", plural(len(args)+min(len(file), 1), "file"))
			}
			if err := mayWrite(file, force); err != nil {
				return err
			}
			var failed []failedHost
			var snapshot *machine.Snapshot
			var err error
			if ssh.hosts == "" {
				snapshot, err = record(cmd.Context(), from, name)
			} else if err = ssh.alone(cmd, name); err == nil {
				snapshot, failed, err = ssh.record(cmd.Context(), cmd.ErrOrStderr())
			}
			if err != nil {
				return err
			}
			if len(failed) > 0 && len(snapshot.Hosts) == 0 {
				return withHint(fmt.Errorf("record over ssh: no host of %d was recorded: %s: %s", len(failed), failed[0].host, failed[0].why),
					"tarsia must be on the hosts' PATH, or be named with --remote")
			}
			if site != "" {
				if snapshot.Site, err = readSite(site, snapshot.Hosts); err != nil {
					return err
				}
			}
			if err := writeSnapshot(cmd, file, snapshot); err != nil {
				return err
			}
			if len(failed) == 0 {
				return nil
			}
			return partial(cmd, failed, len(snapshot.Hosts))
		},
	}
	from.flags(cmd)
	cmd.Flags().StringVar(&name, "node", "", "name of the machine in the recording (default its host name)")
	cmd.Flags().StringVar(&site, "site", "", "add this site.yaml")
	cmd.Flags().BoolVar(&force, "force", false, "replace FILE")
	cmd.Flags().StringVarP(&file, "output", "o", "", "the file to write, in place of the argument")
	cmd.Flags().StringVar(&ssh.hosts, "ssh", "", "record the hosts that this `file` lists: names and ranges such as gpu-[01-08]")
	cmd.Flags().StringVar(&ssh.remote, "remote", "tarsia", "with --ssh: the program on the hosts")
	cmd.Flags().IntVar(&ssh.parallel, "parallel", 16, "with --ssh: hosts at a time")
	cmd.Flags().DurationVar(&ssh.timeout, "timeout", time.Minute, "with --ssh: time for each host")
	return cmd
}

// alone refuses what says of one machine what --ssh says of many.
func (s *sshRun) alone(cmd *cobra.Command, name string) error {
	if name != "" || cmd.Flags().Changed("snapshot") || cmd.Flags().Changed("root") {
		return usageError("--ssh records other machines than --node, --root and --snapshot name: leave one of them out")
	}
	return s.check()
}

// partial tells which hosts are not in what was written.
func partial(cmd *cobra.Command, failed []failedHost, recorded int) error {
	w := cmd.ErrOrStderr()
	fmt.Fprintf(w, "partial: %d of %s failed:\n", len(failed), plural(len(failed)+recorded, "host"))
	for _, f := range failed {
		fmt.Fprintf(w, "  %s: %s\n", f.host, f.why)
	}
	return result(exitCannotTell)
}

// mayWrite refuses to replace what is there, before any work is done.
func mayWrite(file string, force bool) error {
	info, err := os.Stat(file)
	switch {
	case file == "-" || err != nil:
		return nil // a folder that is missing is told by the write
	case info.IsDir():
		return usageError("%s is a folder, want the file to write", file)
	case !force && info.Mode().IsRegular():
		return withHint(fmt.Errorf("%s is there already", file), "--force replaces it")
	}
	return nil
}

func record(ctx context.Context, from source, name string) (*machine.Snapshot, error) {
	if len(from.snapshots) > 0 {
		if name != "" {
			return nil, usageError("--node names one machine, and --snapshot brings several")
		}
		return readSnapshots(from.snapshots)
	}
	m, err := from.live(ctx)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	h, err := discover.Record(name, m)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", from.root, err)
	}
	h.Taken = time.Now().UTC().Format(time.RFC3339)
	return &machine.Snapshot{Hosts: []machine.Host{h}}, nil
}

// readSite reads a site file whole. A node that no recording holds is a typing
// error more often than not, and would leave the node meant without its place.
func readSite(file string, hosts []machine.Host) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read site: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, machine.MaxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read site: %w", err)
	}
	if len(data) > machine.MaxFile {
		return nil, fmt.Errorf("read site %s: longer than %d bytes", file, machine.MaxFile)
	}
	// Read once here, so that a mistake is told now and with its line.
	site, err := discover.ParseSite(file, data)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(hosts))
	for i, h := range hosts {
		names[i] = h.Name
	}
	var unknown []string
	for _, name := range slices.Sorted(maps.Keys(site.Places)) {
		if !slices.Contains(names, name) {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		return nil, withHint(fmt.Errorf("%s: places %s, which no recording holds", file, strings.Join(unknown, ", ")),
			"the recordings hold "+topology.NameRange(names))
	}
	return data, nil
}

func writeSnapshot(cmd *cobra.Command, file string, snapshot *machine.Snapshot) error {
	var buf bytes.Buffer
	if err := snapshot.Write(&buf); err != nil {
		return fmt.Errorf("write snapshot: %w", err)
	}
	size := buf.Len()
	if file == "-" {
		_, err := buf.WriteTo(cmd.OutOrStdout())
		return err
	}
	err := atomicfile.Write(file, 0o644, func(w io.Writer) error {
		_, err := buf.WriteTo(w)
		return err
	})
	if err != nil {
		return fmt.Errorf("write snapshot: %w", err)
	}
	_, err = fmt.Fprintf(cmd.ErrOrStderr(), "wrote %s: %s, %d KiB; 0 changes made\n", file, plural(len(snapshot.Hosts), "machine"), (size+1023)/1024)
	return errors.Join(err)
}
