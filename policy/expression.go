// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types/ref"

	"tarsia.dev/tarsia/internal/yamldoc"
)

// expression is a CEL expression that was checked: its names, its types, the
// type of its result, and its cost for the largest input.
type expression struct {
	at      Position
	text    string
	program cel.Program
	reads   []read
}

// fault is something wrong at a place of the file.
type fault struct {
	at   Position
	text string
}

// Error is "file:line:column: text".
func (f fault) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", f.at.File, f.at.Line, f.at.Column, f.text)
}

// compile checks an expression over some subjects whose result has to be of a
// kind. What is wrong is added to the loader's faults; the result is nil then.
func (l *loader) compile(src yamldoc.Text, path string, want *cel.Type, subjects ...subject) *expression {
	envs, err := environments()
	if err != nil {
		panic(fmt.Sprintf("policy: make the CEL environments: %v", err)) // constants only
	}
	env := envs[key(subjects)]
	checked, issues := env.Compile(src.Value)
	if issues.Err() != nil {
		for _, e := range issues.Errors() {
			l.failAt(l.within(src, e.Location.Line(), e.Location.Column()+1), path, "%s", explain(e.Message, src.Value, subjects))
		}
		return nil
	}
	if !checked.OutputType().IsExactType(want) {
		l.failf(src, path, "found an expression of type %s, want %s", checked.OutputType(), want)
		return nil
	}
	r := reader{refs: checked.NativeRep().ReferenceMap(), info: checked.NativeRep().SourceInfo()}
	r.walk(checked.NativeRep().Expr())
	if r.has != nil {
		l.failAt(l.within(src, r.has.Line(), r.has.Column()+1), path, "found has() of a label, level or resource, want \"KEY\" in %s", r.hasOf)
		return nil
	}
	cost, err := env.EstimateCost(checked, sizes{})
	if err != nil {
		l.failf(src, path, "estimate the cost: %v", err)
		return nil
	}
	if cost.Max > maxCost {
		l.failf(src, path, "found an expression that may take %d steps, want at most %d: look up single keys instead of looping over all", cost.Max, maxCost)
		return nil
	}
	program, err := env.Program(checked, cel.CostLimit(maxCost), cel.EvalOptions(cel.OptOptimize, cel.OptTrackCost))
	if err != nil {
		l.failf(src, path, "prepare the expression: %v", err)
		return nil
	}
	return &expression{at: l.at(src), text: strings.Join(strings.Fields(src.Value), " "), program: program, reads: r.sorted()}
}

// explain says a checker's message in the user's words, with the name that was
// probably meant.
func explain(message, source string, subjects []subject) string {
	message, _, _ = strings.Cut(message, "\n")
	word, unknown := strings.CutPrefix(message, "undeclared reference to '")
	if !unknown {
		message, _, _ = strings.Cut(message, " expecting ") // a list of tokens
		if strings.HasSuffix(message, "'(double, int)'") || strings.HasSuffix(message, "'(int, double)'") {
			message += "; amounts are doubles: write 4.0 for 4"
		}
		return "found a fault in the expression: " + clip(message)
	}
	word, _, _ = strings.Cut(word, "'")
	known := names(subjects)
	// The checker names the first part of a dotted name only.
	for _, whole := range identifiers(source) {
		if first, _, dotted := strings.Cut(whole, "."); dotted && first == word && !isKnown(whole, known) {
			word = whole
			break
		}
	}
	return fmt.Sprintf("found the unknown name %q, %s", clip(word), wanted(word, known))
}

// isKnown tells whether a dotted name begins with a variable.
func isKnown(name string, known []string) bool {
	for _, k := range known {
		if name == k || strings.HasPrefix(name, k+".") {
			return true
		}
	}
	return false
}

// identifiers cuts dotted names out of an expression.
func identifiers(source string) []string {
	return strings.FieldsFunc(source, func(r rune) bool {
		return r != '.' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}

func clip(text string) string {
	if runes := []rune(text); len(runes) > 120 {
		return string(runes[:120]) + "..."
	}
	return text
}

// eval evaluates an expression. The error says where the expression stands.
func (e *expression) eval(v *values) (ref.Val, error) {
	out, _, err := e.program.Eval(v)
	if err != nil {
		return nil, fmt.Errorf("%s: evaluate %q: %w", e.at, clip(e.text), err)
	}
	return out, nil
}

// holds evaluates an expression of type bool.
func (e *expression) holds(v *values) (bool, error) {
	out, err := e.eval(v)
	if err != nil {
		return false, err
	}
	return out.Value() == true, nil
}

// reader finds what an expression reads.
type reader struct {
	refs  map[int64]*ast.ReferenceInfo
	info  *ast.SourceInfo
	seen  map[read]bool
	has   location // a has() over a map, which would always hold
	hasOf string
}

type location interface {
	Line() int
	Column() int
}

// walk goes through an expression; a variable read by a constant key is noted
// with the key.
func (r *reader) walk(e ast.Expr) {
	if v := r.variable(e); v != "" {
		r.note(read{variable: v})
		return
	}
	switch e.Kind() {
	case ast.SelectKind:
		s := e.AsSelect()
		if v := r.variable(s.Operand()); v != "" {
			if s.IsTestOnly() && r.has == nil {
				r.has, r.hasOf = r.info.GetStartLocation(e.ID()), v
			}
			r.note(read{variable: v, key: s.FieldName(), keyed: true})
			return
		}
		r.walk(s.Operand())
	case ast.CallKind:
		r.call(e.AsCall())
	case ast.ListKind:
		for _, el := range e.AsList().Elements() {
			r.walk(el)
		}
	case ast.MapKind:
		for _, entry := range e.AsMap().Entries() {
			r.walk(entry.AsMapEntry().Key())
			r.walk(entry.AsMapEntry().Value())
		}
	case ast.StructKind:
		for _, f := range e.AsStruct().Fields() {
			r.walk(f.AsStructField().Value())
		}
	case ast.ComprehensionKind:
		c := e.AsComprehension()
		for _, part := range []ast.Expr{c.IterRange(), c.AccuInit(), c.LoopCondition(), c.LoopStep(), c.Result()} {
			r.walk(part)
		}
	}
}

func (r *reader) call(c ast.CallExpr) {
	args := c.Args()
	if c.FunctionName() == operators.Index && len(args) == 2 && r.keyed(args[0], args[1]) ||
		c.FunctionName() == operators.In && len(args) == 2 && r.keyed(args[1], args[0]) {
		return
	}
	if c.IsMemberFunction() {
		r.walk(c.Target())
	}
	for _, a := range args {
		r.walk(a)
	}
}

// keyed notes a look-up of a constant key in a variable.
func (r *reader) keyed(of, by ast.Expr) bool {
	v := r.variable(of)
	if v == "" || by.Kind() != ast.LiteralKind {
		return false
	}
	text, ok := by.AsLiteral().Value().(string)
	if ok {
		r.note(read{variable: v, key: text, keyed: true})
	}
	return ok
}

// variable returns the name of the variable that an expression is; "" is none.
func (r *reader) variable(e ast.Expr) string {
	if e.Kind() != ast.IdentKind && e.Kind() != ast.SelectKind {
		return ""
	}
	if info := r.refs[e.ID()]; info != nil && len(info.OverloadIDs) == 0 && strings.Contains(info.Name, ".") {
		return info.Name
	}
	return ""
}

func (r *reader) note(x read) {
	if r.seen == nil {
		r.seen = map[read]bool{}
	}
	r.seen[x] = true
}
