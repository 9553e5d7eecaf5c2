// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"errors"
	"io/fs"
	"syscall"

	"tarsia.dev/tarsia/topology"
)

// absent notes that a fact is missing because of err: its file is not there, or
// is there and could not be read or understood. A nil error notes nothing.
func absent(n *topology.Node, object topology.Ref, fact, source string, err error) {
	switch {
	case err == nil:
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		n.Absences = append(n.Absences, topology.Absence{Object: object, Fact: fact, Kind: topology.Missing, Source: source})
	default:
		n.Absences = append(n.Absences, topology.Absence{Object: object, Fact: fact, Kind: topology.Unreadable, Source: source, Detail: reason(err)})
	}
}

// unknown notes that a fact was asked for and the machine answered that it does
// not know; detail is what it said.
func unknown(n *topology.Node, object topology.Ref, fact, source, detail string) {
	n.Absences = append(n.Absences, topology.Absence{Object: object, Fact: fact, Kind: topology.Unknown, Source: source, Detail: detail})
}

// reason is the cause of err without the path, which stands in the source.
func reason(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}
