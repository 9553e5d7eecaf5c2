// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"

	"tarsia.dev/tarsia/discover"
	"tarsia.dev/tarsia/machine"
	"tarsia.dev/tarsia/topology"
)

// eachNode reads the machines of a source one after the other and gives each to
// do, with the places that its recording's site knows; it keeps none, so that a
// fleet of any size takes the memory of a few machines. The order is any; do is
// never called twice at a time. Its error ends the reading.
func (s *source) eachNode(ctx context.Context, do func(n *topology.Node, places []topology.Place) error) error {
	if len(s.snapshots) == 0 {
		n, err := s.node(ctx, "")
		if err != nil {
			return err
		}
		return do(n, nil)
	}
	files, err := snapshotFiles(s.snapshots)
	if err != nil {
		return err
	}
	st := stream{do: do, jobs: make(chan job), failed: make(chan struct{})}
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(st.work)
	}
	for _, file := range files {
		if err = st.read(ctx, file); err != nil {
			break
		}
	}
	close(st.jobs)
	workers.Wait()
	if st.err != nil {
		return st.err // it stopped the reading, so it is the cause
	}
	return err
}

// job is one recorded machine.
type job struct {
	host machine.Host
	site topology.Site
}

// stream hands recorded machines to workers.
type stream struct {
	do     func(*topology.Node, []topology.Place) error
	jobs   chan job
	failed chan struct{} // closed at the first error

	mu  sync.Mutex
	err error
}

var errStreamEnded = errors.New("reading ended")

// read sends every machine of one file.
func (st *stream) read(ctx context.Context, file string) error {
	var site topology.Site
	known := false
	return withSnapshot(file, func(f *os.File) error {
		return machine.EachHost(f, func(h machine.Host, text []byte) error {
			if !known && text != nil {
				var err error
				if site, err = discover.ParseSite("site.yaml", text); err != nil {
					return err
				}
			}
			known = true
			select {
			case st.jobs <- job{h, site}:
				return nil
			case <-st.failed:
				return errStreamEnded
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	})
}

func (st *stream) work() {
	for j := range st.jobs {
		n, err := discover.Node(j.host.Name, j.host.Files.Machine())
		if err != nil {
			err = fmt.Errorf("read host %s: %w", j.host.Name, err)
		}
		st.mu.Lock()
		if err == nil && st.err == nil {
			err = st.do(n, j.site.Places[n.Name])
		}
		if err != nil && st.err == nil {
			st.err = err
			close(st.failed)
		}
		st.mu.Unlock()
	}
}

// findRecorded reads one machine of some recordings, or of the live host where
// there are none, without reading the others.
func findRecorded(ctx context.Context, from source, name string) (*topology.Node, error) {
	if len(from.snapshots) == 0 {
		return from.node(ctx, name)
	}
	files, err := snapshotFiles(from.snapshots)
	if err != nil {
		return nil, err
	}
	var found *machine.Host
	var names []string
	for _, file := range files {
		err := withSnapshot(file, func(f *os.File) error {
			err := machine.EachHost(f, func(h machine.Host, _ []byte) error {
				names = append(names, h.Name)
				if h.Name == name {
					found = &h
					return errStreamEnded
				}
				return ctx.Err()
			})
			if errors.Is(err, errStreamEnded) {
				return nil
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		if found != nil {
			return discover.Node(found.Name, found.Files.Machine())
		}
	}
	slices.SortFunc(names, topology.CompareNames)
	return nil, withHint(fmt.Errorf("no host %q in the recordings", name), "they hold "+topology.NameRange(names))
}
