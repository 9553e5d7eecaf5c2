// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"tarsia.dev/tarsia/check"
	"tarsia.dev/tarsia/discover"
	"tarsia.dev/tarsia/finding"
	"tarsia.dev/tarsia/internal/atomicfile"
	"tarsia.dev/tarsia/kube"
	"tarsia.dev/tarsia/machine"
	"tarsia.dev/tarsia/placement"
	"tarsia.dev/tarsia/render"
	"tarsia.dev/tarsia/text"
	"tarsia.dev/tarsia/topology"
	"tarsia.dev/tarsia/web"
)

// demo is everything that the demonstration shows.
type demo struct {
	APIVersion string               `json:"apiVersion"`
	Kind       string               `json:"kind"`
	Report     finding.Report       `json:"report"`
	Decisions  []placement.Decision `json:"decisions"`

	fleet    *topology.Fleet
	snapshot *machine.Snapshot
}

func newDemo() *cobra.Command {
	var (
		out output
		dir string
	)
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "a made-up fleet with six planted faults, read for real",
		Long: `Render a fleet of about forty machines of three architectures from short fact
files, read it with the readers that read a live machine, check it, place a
handful of jobs on it, and write one page that shows it all. The machines are
made up, and one of them is of a kind that does not exist yet; it is named so.
Six faults are planted, so the exit code is 8.`,
		Example: `  tarsia demo
  tarsia demo --dir ./demo
  tarsia status --snapshot ./demo/fleet.snapshot`,
		Args: argCount(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := out.check(); err != nil {
				return err
			}
			d, err := runDemo(cmd.Context())
			if err != nil {
				return err
			}
			var page string
			if out.format == "text" {
				if page, err = d.save(dir); err != nil {
					return err
				}
			}
			err = out.write(cmd, views{"text": func(w writer) error { return d.text(w, page) }}, d)
			if err != nil {
				return err
			}
			return result(codeOf(d.Report, false))
		},
	}
	out.flag(cmd, "text", "json", "yaml")
	cmd.Flags().StringVar(&dir, "dir", "", "write page, recording and jobs into this folder (default tarsia/demo in the user's cache folder)")
	return cmd
}

func runDemo(ctx context.Context) (*demo, error) {
	rendered, err := render.Demo()
	if err != nil {
		return nil, err
	}
	return showFleet(ctx, rendered, render.DemoJobs())
}

// showFleet renders a fleet, reads it as if it were live, and decides.
func showFleet(ctx context.Context, rendered *render.Fleet, jobs []byte) (*demo, error) {
	snapshot, err := rendered.Snapshot()
	if err != nil {
		return nil, err
	}
	site, err := discover.ParseSite("site.yaml", snapshot.Site)
	if err != nil {
		return nil, err
	}
	hosts := make([]host, len(snapshot.Hosts))
	for i, h := range snapshot.Hosts {
		hosts[i] = host{h.Name, "host " + h.Name, h.Files.Machine()}
	}
	nodes, err := readNodes(ctx, hosts)
	if err != nil {
		return nil, err
	}
	fleet := topology.NewFleet(site.Name, nodes, site)
	input, err := kube.Read([]kube.File{{Name: "jobs.yaml", Data: jobs}})
	if err != nil {
		return nil, err
	}
	found, err := placeAll(ctx, placement.FromTopology(fleet), input.Running, input.Gangs, nil)
	if err != nil {
		return nil, err
	}
	return &demo{
		APIVersion: topology.APIVersion, Kind: "Demo",
		Report:    finding.NewReport(topology.APIVersion, "fleet/"+fleet.Name, check.Run(fleet, nil, nil)),
		Decisions: found, fleet: fleet, snapshot: snapshot,
	}, nil
}

// save writes the page, the recording and the jobs, and returns the page's
// path.
func (d *demo) save(dir string) (string, error) {
	dir, err := demoDir(dir)
	if err != nil {
		return "", err
	}
	page := filepath.Join(dir, "index.html")
	for _, f := range []struct {
		name  string
		write func(w io.Writer) error
	}{
		{page, func(w io.Writer) error {
			return web.Write(w, web.Page{Fleet: d.fleet, Report: d.Report, Decisions: d.Decisions, Generator: generator()})
		}},
		{filepath.Join(dir, "fleet.snapshot"), d.snapshot.Write},
		{filepath.Join(dir, "jobs.yaml"), func(w io.Writer) error {
			_, err := w.Write(render.DemoJobs())
			return err
		}},
	} {
		if err := atomicfile.Write(f.name, 0o644, f.write); err != nil {
			return "", fmt.Errorf("write demo: %w", err)
		}
	}
	return page, nil
}

// demoDir makes the folder that the demo writes into. A machine without a home
// folder gets a fresh one of its own.
func demoDir(dir string) (string, error) {
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return os.MkdirTemp("", "tarsia-demo-")
		}
		dir = filepath.Join(cache, "tarsia", "demo")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("make demo folder: %w", err)
	}
	return filepath.Abs(dir)
}

// text prints what a newcomer should see, in the order in which they would ask.
func (d *demo) text(w io.Writer, page string) error {
	opt := text.Options{Width: width()}
	var buf bytes.Buffer
	heading := func(format string, args ...any) { fmt.Fprintf(&buf, "\n== "+format+"\n\n", args...) }
	fmt.Fprintf(&buf, "A made-up fleet of %s, read as if it were live. Six faults are planted.\n", plural(len(d.fleet.Nodes), "machine"))
	heading("tarsia status")
	if err := text.Status(&buf, d.fleet, d.Report, codeOf(d.Report, false), opt); err != nil {
		return err
	}
	heading("findings")
	if err := text.Findings(&buf, d.Report, opt); err != nil {
		return err
	}
	heading("tarsia place -f jobs.yaml")
	if err := text.Decisions(&buf, d.Decisions, nil, opt); err != nil {
		return err
	}
	for _, outcome := range []placement.Outcome{placement.Placed, placement.Refused} {
		for _, decision := range d.Decisions {
			if decision.Outcome == outcome {
				heading("tarsia why %s", decision.Gang)
				if err := text.Decision(&buf, decision, opt); err != nil {
					return err
				}
				break
			}
		}
	}
	dir := filepath.Dir(page)
	fmt.Fprintf(&buf, "\nThe page: %s\n", page)
	fmt.Fprintf(&buf, "Go on:    tarsia topo hgx-01 --snapshot %s/fleet.snapshot\n", dir)
	fmt.Fprintf(&buf, "          tarsia diff hgx-01 hgx-02 --snapshot %s/fleet.snapshot\n", dir)
	fmt.Fprintf(&buf, "          tarsia why pod/train-hive --snapshot %s/fleet.snapshot -f %s/jobs.yaml\n", dir, dir)
	_, err := buf.WriteTo(w)
	return err
}
