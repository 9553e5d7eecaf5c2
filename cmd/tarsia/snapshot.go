// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
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
		site  string
		force bool
	)
	cmd := &cobra.Command{
		Use:   "snapshot FILE",
		Short: "record this machine, or join recordings, into one file",
		Long: `Record the raw facts of a machine: files, links and read errors, as they are
read. Every command that reads a machine also reads the recording, with the
same result. The recording holds no serial numbers, hardware addresses of
network cards, disk names or secrets of the kernel command line. FILE may be -
for standard output.

With --snapshot, the machines of several recordings are joined into one fleet;
--site adds what no machine knows of itself: racks, images.`,
		Example: `  tarsia snapshot host.snapshot
  ssh host tarsia snapshot - > host.snapshot
  tarsia snapshot fleet.snapshot --snapshot a.snapshot --snapshot b.snapshot --site site.yaml`,
		Args: argCount(1, 1, "the file to write, or -"),
		RunE: func(cmd *cobra.Command, args []string) error {
			file := args[0]
			if err := mayWrite(file, force); err != nil {
				return err
			}
			snapshot, err := record(from, name)
			if err != nil {
				return err
			}
			if site != "" {
				if snapshot.Site, err = readSite(site, snapshot.Hosts); err != nil {
					return err
				}
			}
			return writeSnapshot(cmd, file, snapshot)
		},
	}
	from.flags(cmd)
	cmd.Flags().StringVar(&name, "node", "", "name of the machine in the recording (default its host name)")
	cmd.Flags().StringVar(&site, "site", "", "add this site.yaml")
	cmd.Flags().BoolVar(&force, "force", false, "replace FILE")
	return cmd
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

func record(from source, name string) (*machine.Snapshot, error) {
	if len(from.snapshots) > 0 {
		if name != "" {
			return nil, usageError("--node names one machine, and --snapshot brings several")
		}
		return readSnapshots(from.snapshots)
	}
	m, err := openRoot(from.root)
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
