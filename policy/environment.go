// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/checker"
	"github.com/google/cel-go/ext"

	"tarsia.dev/tarsia/internal/edit"
)

// Bounds of one expression. A unit of cost is about one step of the evaluator;
// the limits are those that Kubernetes sets for device selectors (resource/v1,
// CELSelectorExpressionMaxCost and -MaxLength).
const (
	maxExpressionLength = 10 << 10
	maxCost             = 1_000_000
	maxNesting          = 2 // loops within loops
	maxRecursion        = 50
)

// Bounds of what an expression may be given, for the estimate of its cost: the
// lengths that Kubernetes allows for names and labels, and more labels than a
// node has.
const (
	maxEntries = 1000
	maxWord    = 512
)

// subject is what an expression may speak of.
type subject string

const (
	ofJob  subject = "job"
	ofPod  subject = "pod"
	ofNode subject = "node"
)

// variable is one name in expressions.
type variable struct {
	name  string
	kind  *cel.Type
	words string
}

var (
	textMap   = cel.MapType(cel.StringType, cel.StringType)
	numberMap = cel.MapType(cel.StringType, cel.DoubleType)
	textList  = cel.ListType(cel.StringType)
)

// variables are all names that an expression can use. A label, level or resource
// that is not there reads as "" or 0; "in" tells whether it is.
var variables = []variable{
	{"job.name", cel.StringType, "the job's name, as in job/train"},
	{"job.labels", textMap, "the job's labels"},
	{"job.priority", cel.IntType, "the job's priority"},
	{"job.pods", cel.IntType, "how many pods it has"},
	{"job.requests", numberMap, "what all its pods ask for: cores, bytes, devices"},
	{"job.waited", cel.DurationType, "how long it has waited"},
	{"pod.set", cel.StringType, "the pod's set"},
	{"pod.requests", numberMap, "what one pod asks for: cores, bytes, devices"},
	{"pod.architectures", textList, "those that its images have; empty is any"},
	{"node.name", cel.StringType, "the node's name"},
	{"node.architecture", cel.StringType, "amd64, arm64, riscv64; \"\" is unknown"},
	{"node.model", cel.StringType, "the accelerators' model; \"\" is unknown, none, or several"},
	{"node.labels", textMap, "the node's labels"},
	{"node.levels", textMap, "the node's domain in each level"},
	{"node.allocatable", numberMap, "what the node offers: cores, bytes, devices"},
}

// environments holds one CEL environment for each set of subjects. They are made
// once and never change.
var environments = sync.OnceValues(func() (map[string]*cel.Env, error) {
	base, err := cel.NewEnv(
		ext.Strings(ext.StringsVersion(2)),
		ext.Sets(),
		cel.CrossTypeNumericComparisons(true),
		cel.HomogeneousAggregateLiterals(),
		cel.DefaultUTCTimeZone(true),
		cel.ParserExpressionSizeLimit(maxExpressionLength),
		cel.ParserRecursionLimit(maxRecursion),
		cel.ASTValidators(
			cel.ValidateDurationLiterals(), cel.ValidateTimestampLiterals(), cel.ValidateRegexLiterals(),
			cel.ValidateHomogeneousAggregateLiterals(), cel.ValidateComprehensionNestingLimit(maxNesting)),
	)
	if err != nil {
		return nil, err
	}
	all := map[string]*cel.Env{}
	for _, subjects := range [][]subject{{ofJob}, {ofNode}, {ofJob, ofPod, ofNode}} {
		var options []cel.EnvOption
		for _, v := range variables {
			if slices.Contains(subjects, subjectOf(v.name)) {
				options = append(options, cel.Variable(v.name, v.kind))
			}
		}
		if all[key(subjects)], err = base.Extend(options...); err != nil {
			return nil, err
		}
	}
	return all, nil
})

func key(subjects []subject) string { return fmt.Sprint(subjects) }

func subjectOf(name string) subject {
	of, _, _ := strings.Cut(name, ".")
	return subject(of)
}

// names lists the variables of subjects.
func names(subjects []subject) []string {
	var out []string
	for _, v := range variables {
		if slices.Contains(subjects, subjectOf(v.name)) {
			out = append(out, v.name)
		}
	}
	return out
}

// near names what was probably meant by a word that is not known; "" where
// nothing is near.
func near(word string, known []string) string {
	best, away := "", 1+max(1, len(word)/3)
	for _, k := range known {
		if d := edit.Distance(strings.ToLower(word), strings.ToLower(k)); d < away {
			best, away = k, d
		}
	}
	return best
}

// wanted is "did you mean ...?", or the list of what there is.
func wanted(word string, known []string) string {
	if n := near(word, known); n != "" {
		return fmt.Sprintf("did you mean %q?", n)
	}
	return "want one of " + strings.Join(known, ", ")
}

// sizes tells the estimator of costs how large what expressions are given can
// be.
type sizes struct{}

// EstimateSize answers for variables and what is in them.
func (sizes) EstimateSize(n checker.AstNode) *checker.SizeEstimate {
	if len(n.Path()) == 0 {
		return nil
	}
	most := uint64(maxWord)
	if k := n.Type().Kind(); k == cel.MapKind || k == cel.ListKind {
		most = maxEntries
	}
	return &checker.SizeEstimate{Min: 0, Max: most}
}

// EstimateCallCost leaves calls to the library.
func (sizes) EstimateCallCost(string, string, *checker.AstNode, []checker.AstNode) *checker.CallEstimate {
	return nil
}
