// SPDX-License-Identifier: Apache-2.0

// Package kube turns Kubernetes manifests into the placement engine's input,
// offline: what `kubectl get nodes -o yaml` prints, and Pods, Jobs, JobSets,
// LeaderWorkerSets, Deployments, StatefulSets and PodGroups as people write them.
// It talks to no cluster. Read is all there is to call.
//
// # What becomes a gang
//
//   - A PodGroup (scheduling.k8s.io, coscheduling's scheduling.x-k8s.io, Volcano's)
//     is one gang of every pod in the files that points to it, from templates too.
//   - A Job is one gang of the pods it runs at a time: the lesser of parallelism
//     and completions.
//   - A JobSet is one gang with one pod set per replicated job. With an exclusive
//     topology each of its Jobs is a gang of its own.
//   - Each replica of a LeaderWorkerSet is a gang.
//   - Each replica of a Deployment or StatefulSet, and each other pending Pod, is a
//     gang of one. Pending Pods of one Job, JobSet or LeaderWorkerSet replica are
//     one gang.
//   - A Pod with spec.nodeName that has not finished is running: it holds its
//     requests and is no longer placed.
//
// A workload whose Pods are in the files too is represented by them, so nothing
// counts twice; a Job whose JobSet is in the files is represented by the JobSet.
//
// # Bad input
//
// Read refuses what a Kubernetes API server would refuse and what would make the
// answer wrong, with file, line, what was found and what was wanted; it reports
// all it finds, up to a limit, and then returns no Input. What it merely does not
// look at (an ignored kind, pod anti-affinity) is a line in Input.Notes.
package kube

import (
	"errors"
	"fmt"
	"time"

	"tarsia.dev/tarsia/placement"
)

// MaxPods is the largest number of pods that the manifests of one Read may ask
// for, all gangs together.
const MaxPods = 1_000_000

// maxProblems is how many errors are reported before the rest is only counted.
const maxProblems = 20

// Input is what a set of manifests says, in the order of the files.
type Input struct {
	Nodes   []placement.Node    // empty when the files hold workloads only
	Running []placement.Running // pods bound to a node and not finished
	Gangs   []placement.Gang    // what is to be placed
	// Notes says what was seen and not used, or used with an assumption, one line
	// each, beginning with "file:line: ".
	Notes []string
	// Deadlines are when running pods end at the latest, by name, of those that
	// have a deadline; EndsFrom uses them.
	Deadlines map[string]time.Time
}

// File is one manifest: YAML of one or many documents, or JSON. Name is used in
// messages only.
type File struct {
	Name string
	Data []byte
}

// reader gathers what the files say, then joins it: objects refer to each other
// whatever their order.
type reader struct {
	problems  []error
	notes     notes
	seen      map[string]where // kind, namespace and name -> first place
	generated map[string]int   // generateName -> how many were named
	nodes     []nodeObject
	pods      []podObject
	workloads []workload
	groups    map[string]*podGroup
	asks      map[string]where     // gang -> the place of its first rule
	deadlines map[string]time.Time // of running pods, by name
	objects   int
	asked     int64 // pods asked for so far
}

// Read reads all files and joins them. Its errors say file and line; no Input is
// returned with an error.
func Read(files []File) (*Input, error) {
	r := &reader{
		seen:      map[string]where{},
		generated: map[string]int{},
		groups:    map[string]*podGroup{},
		deadlines: map[string]time.Time{},
		asks:      map[string]where{},
	}
	for _, f := range files {
		r.file(f)
	}
	if len(files) == 0 {
		return nil, errors.New("read manifests: no file is given")
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	in := &Input{}
	var members []member
	in.Running, members = r.members()
	gangs := r.join(members)
	in.Gangs = r.gangs(gangs)
	in.Nodes = r.placementNodes(in.Gangs)
	in.Running = r.onKnownNodes(in.Running, in.Nodes)
	if err := r.err(); err != nil {
		return nil, err
	}
	in.Notes = r.notes.lines()
	if len(r.deadlines) > 0 {
		in.Deadlines = r.deadlines
	}
	return in, nil
}

// fail notes an error; Read goes on to find more.
func (r *reader) fail(err error) {
	r.problems = append(r.problems, err)
}

// err joins what failed so far, at most maxProblems of it.
func (r *reader) err() error {
	n := len(r.problems)
	if n <= maxProblems {
		return errors.Join(r.problems...)
	}
	shown := append(r.problems[:maxProblems:maxProblems], fmt.Errorf("and %d more errors", n-maxProblems))
	return errors.Join(shown...)
}

// file reads one file's objects.
func (r *reader) file(f File) {
	objects, err := split(f)
	if err != nil {
		r.fail(err)
		return
	}
	usable := false
	for i := range objects {
		r.objects++
		objects[i].order = r.objects
		usable = r.object(&objects[i]) || usable
	}
	if !usable {
		r.fail(fmt.Errorf("%s: found nothing to read, wanted a Kubernetes object of kind %s", f.Name, kindNames()))
	}
}
