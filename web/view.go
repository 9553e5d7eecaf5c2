// SPDX-License-Identifier: Apache-2.0

package web

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"
	"strings"

	"tarsia.dev/tarsia/check"
	"tarsia.dev/tarsia/finding"
	"tarsia.dev/tarsia/placement"
	"tarsia.dev/tarsia/topology"
)

// view is the page as the template wants it.
type view struct {
	Policy string
	Style  template.CSS
	Script template.JS
	Hatch  template.HTML

	Single        bool // one node: no map
	Name          string
	Generator     string
	Nodes         int
	Architectures []counted
	Models        []counted
	GPUs          int
	Tally         string
	States        []finding.State // worst first, as the filter offers them
	Areas         []finding.Area
	Places        []place
	Findings      []findingView
	Decisions     []decisionView
	Shapes        []*shape
	Batches       []batchView
	Agreeing      int
	Groups        int
	Images        []topology.Image
}

type counted struct {
	Name  string
	Count int
}

type findingView struct {
	finding.Finding
	NodeNames string // of all nodes concerned, space before and after each
	Sign      string
}

// shown bounds the subjects and the evidence of one finding on the page; the
// JSON has all.
const shown = 12

// Shown is the first subjects.
func (f findingView) Shown() []string { return f.Subjects[:min(len(f.Subjects), shown)] }

// MoreSubjects is how many others there are.
func (f findingView) MoreSubjects() int { return max(len(f.Subjects)-shown, 0) }

// Read is the first evidence, equal evidence once.
func (f findingView) Read() []finding.CountedEvidence {
	all := f.CountedEvidence()
	return all[:min(len(all), shown)]
}

// MoreEvidence is how much other evidence there is.
func (f findingView) MoreEvidence() int { return max(len(f.CountedEvidence())-shown, 0) }

type decisionView struct {
	placement.Decision
	Sign string
}

type batchView struct {
	Topic, Group, Text string
	Batches            []valueView
}

type valueView struct {
	topology.Batch
	Range string
}

// sign goes before every state word and colour, for those who see no colour.
func sign(s finding.State) string {
	return map[finding.State]string{finding.Pass: "✓", finding.Warn: "▲", finding.Fail: "✕", finding.Unknown: "?"}[s]
}

func newView(p Page) view {
	f := p.Fleet
	v := view{Name: f.Name, Generator: p.Generator, Nodes: len(f.Nodes), Images: f.Images, Tally: p.Report.Tally(), States: []finding.State{finding.Fail, finding.Unknown, finding.Warn, finding.Pass}, Areas: p.Report.Areas(check.Areas())}
	archs, models := map[string]int{}, map[string]int{}
	for _, n := range f.Nodes {
		archs[n.Architecture]++
		for _, a := range n.Accelerators {
			models[a.ShortModel()]++
			v.GPUs++
		}
	}
	v.Architectures, v.Models = byCount(archs), byCount(models)
	for _, fd := range p.Report.Findings {
		v.Findings = append(v.Findings, findingView{fd, " " + strings.Join(fd.Nodes(), " ") + " ", sign(fd.State)})
	}
	for _, d := range p.Decisions {
		s := map[placement.Outcome]finding.State{placement.Placed: finding.Pass, placement.Refused: finding.Fail}[d.Outcome]
		v.Decisions = append(v.Decisions, decisionView{d, sign(s)})
	}
	groups := f.BatchGroups("")
	v.Groups = len(groups)
	for _, g := range groups {
		if len(g.Batches) == 1 {
			v.Agreeing++
			continue
		}
		b := batchView{Topic: g.Topic, Group: g.Group, Text: g.Summary()}
		for _, value := range g.Batches {
			b.Batches = append(b.Batches, valueView{value, topology.NameRange(value.Nodes)})
		}
		v.Batches = append(v.Batches, b)
	}
	v.Shapes = shapes(f)
	v.Places = fleetMap(f, p.Report, v.Shapes)
	return v
}

func byCount(m map[string]int) []counted {
	var out []counted
	for name, n := range m {
		out = append(out, counted{name, n})
	}
	slices.SortFunc(out, func(a, b counted) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name)) })
	return out
}

// shape is one picture and the nodes that look like it.
type shape struct {
	ID       string
	Names    []string
	Range    string
	Node     *topology.Node // the first, which stands for all
	Machine  string
	Picture  template.HTML
	Matrix   topology.Matrix
	Unknowns []string
}

// shapes groups nodes of which picture, product and unknowns are equal, so that
// forty trays cost one picture.
func shapes(f *topology.Fleet) []*shape {
	var out []*shape
	index := map[string]*shape{}
	for _, n := range f.Nodes {
		picture := drawNode(n, false)
		unknowns := absences(n)
		machine := strings.Join(strings.Fields(n.Architecture+" "+n.System.Vendor+" "+n.System.Product), " ")
		key := machine + "\x00" + picture + "\x00" + strings.Join(unknowns, "\x00")
		s := index[key]
		if s == nil {
			s = &shape{ID: fmt.Sprintf("shape-%d", len(out)+1), Node: n, Machine: machine, Picture: template.HTML(picture), Matrix: n.Matrix(), Unknowns: unknowns}
			index[key] = s
			out = append(out, s)
		}
		s.Names = append(s.Names, n.Name)
	}
	for _, s := range out {
		s.Range = topology.NameRange(s.Names)
	}
	return out
}

// absences tells what a node does not say, the same file of several devices
// once.
func absences(n *topology.Node) []string {
	var out []string
	count := map[string]int{}
	for _, a := range n.Absences {
		source := a.Source
		if id := a.Object.ID(); id != "" {
			source = strings.ReplaceAll(source, id, "*")
		}
		text := fmt.Sprintf("%s: %s, %s", a.Fact, a.Kind, source)
		if a.Detail != "" {
			text += " (" + a.Detail + ")"
		}
		if count[text]++; count[text] == 1 {
			out = append(out, text)
		}
	}
	for i, text := range out {
		if count[text] > 1 {
			out[i] = fmt.Sprintf("%d × %s", count[text], text)
		}
	}
	return out
}
