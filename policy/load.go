// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/google/cel-go/cel"

	"tarsia.dev/tarsia/internal/yamldoc"
)

// Bounds of a policy file.
const (
	maxFile    = 1 << 20
	maxClasses = 100
	maxLines   = 100 // of one list
	maxFaults  = 20
)

// loader turns a document into a Policy and gathers all that is wrong with it.
type loader struct {
	file   string
	data   []byte
	faults []fault
}

// Load reads a policy. file is used in messages only. The error joins all that
// is wrong, at most 20 faults, each as "file:line:column: found ..., want ...",
// also for places inside expressions; no policy is returned with an error.
func Load(file string, data []byte) (*Policy, error) {
	if len(data) > maxFile {
		return nil, fmt.Errorf("%s: found %d bytes, want at most %d", file, len(data), maxFile)
	}
	var doc document
	if err := yamldoc.DecodeColumns(file, data, &doc); err != nil {
		return nil, err
	}
	l := &loader{file: file, data: data}
	p := &Policy{file: file, Name: doc.Metadata.Name.Value}
	l.header(&doc)
	l.prices(p, &doc.Prices)
	if !doc.Nodes.ExclusiveCores.IsZero() {
		p.exclusive = l.compile(doc.Nodes.ExclusiveCores, "nodes.exclusiveCores", cel.BoolType, ofNode)
	}
	l.demand(p, doc.Demand)
	l.classes(p, &doc)
	if err := l.err(); err != nil {
		return nil, err
	}
	return p, nil
}

func (l *loader) header(doc *document) {
	if doc.APIVersion.Value != APIVersion {
		l.failf(doc.APIVersion, "apiVersion", "found %s, want %s", found(doc.APIVersion), APIVersion)
	}
	if doc.Kind.Value != FileKind {
		l.failf(doc.Kind, "kind", "found %s, want %s", found(doc.Kind), FileKind)
	}
	if len(doc.Classes) == 0 {
		l.failf(doc.Kind, "classes", "found no class, want at least one")
	}
	if len(doc.Classes) > maxClasses {
		l.failf(doc.Classes[maxClasses].Name, "classes", "found %d classes, want at most %d", len(doc.Classes), maxClasses)
	}
}

// at is where a value stands; the first line where the file does not hold it.
func (l *loader) at(t yamldoc.Text) Position {
	if t.IsZero() {
		return Position{l.file, 1, 1}
	}
	return Position{l.file, t.Line, t.Column}
}

// within is the place of a character of a value.
func (l *loader) within(t yamldoc.Text, line, column int) Position {
	line, column = t.Place(l.data, line, column)
	return Position{l.file, line, column}
}

// failf notes what is wrong with a value at a path of keys.
func (l *loader) failf(t yamldoc.Text, path, format string, args ...any) {
	l.failAt(l.at(t), path, format, args...)
}

func (l *loader) failAt(at Position, path, format string, args ...any) {
	l.faults = append(l.faults, fault{at, path + ": " + fmt.Sprintf(format, args...)})
}

func (l *loader) err() error {
	slices.SortStableFunc(l.faults, func(a, b fault) int {
		return slices.Compare([]int{a.at.Line, a.at.Column}, []int{b.at.Line, b.at.Column})
	})
	var errs []error
	for i, f := range l.faults {
		if i == maxFaults {
			errs = append(errs, fmt.Errorf("%s: and %d more faults", l.file, len(l.faults)-i))
			break
		}
		errs = append(errs, f)
	}
	return errors.Join(errs...)
}

// found quotes a value for a message.
func found(t yamldoc.Text) string {
	if t.IsZero() {
		return "nothing"
	}
	return strconv.Quote(clip(t.Value))
}

// yes reads true or false; nothing is false.
func (l *loader) yes(t yamldoc.Text, path string) bool {
	switch t.Value {
	case "true":
		return true
	case "false", "":
		return false
	}
	l.failf(t, path, "found %s, want true or false", found(t))
	return false
}

// count reads a whole number within bounds; nothing is the least.
func (l *loader) count(t yamldoc.Text, path string, least, most int64) int64 {
	if t.IsZero() {
		return least
	}
	n, err := strconv.ParseInt(t.Value, 10, 64)
	if err != nil || n < least || n > most {
		l.failf(t, path, "found %s, want a whole number from %d to %d", found(t), least, most)
		return least
	}
	return n
}

// wait reads a duration; nothing is nil.
func (l *loader) wait(t yamldoc.Text, path string) *int64 {
	if t.IsZero() {
		return nil
	}
	s, err := seconds(t.Value)
	if err != nil {
		l.failf(t, path, "found %s, want %v", found(t), err)
		return nil
	}
	return &s
}

// word reads a name that has to be there.
func (l *loader) word(t yamldoc.Text, path string) string {
	if t.Value == "" {
		l.failf(t, path, "found %s, want a name", found(t))
	}
	return t.Value
}
