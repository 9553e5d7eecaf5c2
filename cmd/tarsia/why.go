// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tarsia.dev/tarsia/check"
	"tarsia.dev/tarsia/finding"
	"tarsia.dev/tarsia/placement"
	"tarsia.dev/tarsia/policy"
	"tarsia.dev/tarsia/report"
	"tarsia.dev/tarsia/text"
	"tarsia.dev/tarsia/topology"
)

func newWhy() *cobra.Command {
	var (
		in  placeInput
		out output
	)
	cmd := &cobra.Command{
		Use:   "why OBJECT",
		Short: "say why a job is placed where it is, or why a node is as it is",
		Long: `OBJECT is a job of the manifests ("job/train", "pod/serve", or its bare name):
why here, why not there, or the proof that nothing fits. Or it is "node/NAME",
or a device of it as a finding names it: all that the checks found on it. Or
"image/REFERENCE".`,
		Example: `  tarsia why job/train -f nodes.yaml -f job.yaml
  tarsia why node/hgx-02 --snapshot fleet.snapshot`,
		Args: argCount(1, 1, "one object: job/NAME, pod/NAME, node/NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.check(); err != nil {
				return err
			}
			kind, name, ok := strings.Cut(args[0], "/")
			if ok && (kind == "node" || kind == "image") {
				if len(in.files) > 0 {
					return withHint(usageError("%s is looked up on machines, not in manifests: leave out -f", args[0]), "--snapshot FILE reads recorded machines")
				}
				return whyFound(cmd, in, out, kind, name)
			}
			if len(in.files) == 0 {
				return withHint(usageError("no manifest that could hold the job %q", args[0]),
					"name the jobs with -f job.yaml", "a machine is asked for as node/NAME, an image as image/REFERENCE")
			}
			return whyPlaced(cmd, in, out, args[0])
		},
	}
	in.flags(cmd)
	out.flag(cmd, "text", "json", "yaml")
	return cmd
}

// whyFound prints the findings whose subject is the object or lies in it.
func whyFound(cmd *cobra.Command, in placeInput, out output, kind, name string) error {
	fleet, err := in.from.fleet(cmd.Context())
	if err != nil {
		return err
	}
	object := kind + "/" + name
	if err := holds(fleet, kind, name); err != nil {
		return err
	}
	r := finding.NewReport(topology.APIVersion, object, against(object, check.Run(fleet, nil, nil)))
	err = out.write(cmd, views{
		"text": func(w writer) error { return text.Findings(w, r, text.Options{Width: width()}) },
	}, r)
	if err != nil {
		return err
	}
	return result(codeOf(r, false))
}

// holds refuses an object that the fleet does not have: of that there is no
// finding either, and it would look healthy.
func holds(fleet *topology.Fleet, kind, name string) error {
	if kind == "image" {
		var names []string
		for _, i := range fleet.Images {
			if i.Reference == name {
				return nil
			}
			names = append(names, i.Reference)
		}
		if len(names) == 0 {
			return withHint(usageError("no image %q", name), "no site file names the images that run here (tarsia snapshot --site)")
		}
		return withHint(usageError("no image %q", name), "the site names "+strings.Join(names, ", "))
	}
	name, device, ok := strings.Cut(name, "/")
	node, err := findNode(fleet, name)
	if err != nil || !ok {
		return err
	}
	if ref := topology.Ref(device); !slices.Contains(objects(node), ref) {
		return withHint(usageError("node %s has no %s", name, device), "tarsia topo "+name+" --all lists its devices, as in node/"+name+"/pci/0000:01:00.0")
	}
	return nil
}

// objects lists what a finding may name of a node.
func objects(n *topology.Node) []topology.Ref {
	var all []topology.Ref
	for _, f := range n.PCI {
		all = append(all, topology.PCIRef(f.Address))
	}
	for _, m := range n.NUMANodes {
		all = append(all, topology.NUMARef(m.ID))
	}
	for _, a := range n.Accelerators {
		all = append(all, a.ID)
	}
	for _, c := range n.NICs {
		all = append(all, c.Device)
	}
	for _, l := range n.Links {
		all = append(all, l.A, l.B)
	}
	return all
}

// against returns the findings that name the object or a part of it. Where a
// node has none, it returns the checks that looked at nodes and did not name it.
func against(object string, all []finding.Finding) []finding.Finding {
	var found, content []finding.Finding
	clouded := map[string]bool{} // checks that could not answer for the whole fleet
	for _, f := range all {
		if f.State == finding.Pass {
			continue
		}
		if slices.ContainsFunc(f.Subjects, func(s string) bool { return s == object || strings.HasPrefix(s, object+"/") }) {
			found = append(found, f)
		}
		if slices.ContainsFunc(f.Subjects, func(s string) bool { return strings.HasPrefix(s, "fleet/") }) {
			clouded[f.ID] = true
		}
	}
	if len(found) > 0 || !strings.HasPrefix(object, "node/") || strings.Count(object, "/") > 1 {
		return found
	}
	for _, c := range check.All() {
		if c.Area == check.AreaImages {
			continue // asks about images, and would pass whatever the node is
		}
		answered := slices.ContainsFunc(all, func(f finding.Finding) bool { return f.ID == c.ID })
		if answered && !clouded[c.ID] {
			content = append(content, finding.Finding{ID: c.ID, Area: c.Area, State: finding.Pass,
				Summary: "nothing found on " + object + ": " + c.Title, Subjects: []string{object}, Evidence: []finding.Evidence{}})
		}
	}
	return content
}

// whyPlaced prints one decision of a placement run.
func whyPlaced(cmd *cobra.Command, in placeInput, out output, object string) error {
	doc, err := in.decide(cmd.Context(), cmd.InOrStdin())
	if err != nil {
		return err
	}
	d, err := findDecision(doc.Decisions, object)
	if err != nil {
		return err
	}
	one := report.NewDecisions([]placement.Decision{d}, nil)
	one.Collectives = slices.DeleteFunc(doc.Collectives, func(c report.Collective) bool { return c.Gang != d.Gang })
	one.Policies = slices.DeleteFunc(doc.Policies, func(c policy.Ruling) bool { return c.Gang != d.Gang })
	err = out.write(cmd, views{
		"text": func(w writer) error {
			return text.Decision(w, d, text.Options{Width: width(), All: true, Expected: sentences(one.Collectives), Rulings: rulings(one.Policies)})
		},
	}, one)
	if err != nil {
		return err
	}
	return result(codeOfDecisions([]placement.Decision{d}))
}

// findDecision takes the gang's whole name, or its last part where that is
// clear.
func findDecision(all []placement.Decision, object string) (placement.Decision, error) {
	var names []string
	var found []placement.Decision
	for _, d := range all {
		if d.Gang == object {
			return d, nil
		}
		_, bare, _ := strings.Cut(d.Gang, "/")
		if bare == object {
			found = append(found, d)
		}
		names = append(names, d.Gang)
	}
	slices.Sort(names)
	list := strings.Join(names, ", ")
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return placement.Decision{}, withHint(usageError("no job %q in the manifests", object), "they hold "+list)
	}
	return placement.Decision{}, withHint(usageError("%q names %d jobs", object, len(found)), "name one of "+list)
}
