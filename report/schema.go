// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"tarsia.dev/tarsia/cpuset"
	"tarsia.dev/tarsia/expect"
	"tarsia.dev/tarsia/finding"
	"tarsia.dev/tarsia/pci"
	"tarsia.dev/tarsia/placement"
	"tarsia.dev/tarsia/topology"
)

// schemaBase is where the schemas are published; the version is the model's.
const schemaBase = "https://tarsia.dev/schema/v1alpha1/"

// documents are the kinds that have a schema.
var documents = map[string]struct {
	value any
	kind  string // of the document
	title string
}{
	"node":         {topology.Node{}, topology.KindNode, "one machine"},
	"fleet":        {topology.Fleet{}, topology.KindFleet, "a set of machines and the domains that join them"},
	"report":       {finding.Report{}, "Report", "what the checks found"},
	"decisions":    {Decisions{}, KindDecisions, "where gangs run, or why they do not"},
	"fits":         {Fits{}, KindFits, "which nodes take the pods of a job"},
	"policy":       {Policy{}, KindPolicy, "what a placement policy says"},
	"simulation":   {Simulation{}, KindSimulation, "what policies made of a trace"},
	"verification": {expect.Verification{}, expect.KindVerification, "how a fleet differs from what is expected"},
}

// SchemaKinds returns the names that Schema knows, sorted.
func SchemaKinds() []string { return slices.Sorted(maps.Keys(documents)) }

// Schema returns the JSON Schema (draft 2020-12) of a document: node, fleet, policy,
// report, decisions, fits or verification, as docs/schema holds them. It is made from the Go types, so
// it cannot disagree with what -o json prints. Fields are only ever added, so
// unknown ones are allowed. null is a value that is not known. The error names
// the kinds that there are.
func Schema(kind string) ([]byte, error) {
	d, ok := documents[kind]
	if !ok {
		return nil, fmt.Errorf("schema %q: want one of %s", kind, strings.Join(SchemaKinds(), ", "))
	}
	g := generator{defs: map[string]any{}, types: map[string]reflect.Type{}}
	root := g.object(reflect.TypeOf(d.value))
	if g.err != nil {
		return nil, fmt.Errorf("schema %s: %w", kind, g.err)
	}
	properties := root["properties"].(map[string]any)
	properties["apiVersion"] = map[string]any{"const": topology.APIVersion}
	properties["kind"] = map[string]any{"const": d.kind}
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["$id"] = schemaBase + kind + ".json"
	root["title"] = d.title
	root["$defs"] = g.defs
	out, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("schema %s: %w", kind, err)
	}
	return append(out, '\n'), nil
}

// enums are the words of string types, in the order of their declaration.
var enums = map[reflect.Type][]string{
	reflect.TypeFor[topology.PortType]():    words(topology.Endpoint, topology.RootPort, topology.UpstreamPort, topology.DownstreamPort, topology.PCIBridge),
	reflect.TypeFor[topology.DeviceState](): words(topology.DeviceOK, topology.DeviceLost, topology.DeviceUnknown),
	reflect.TypeFor[topology.LinkKind]():    words(topology.LinkPCIe, topology.LinkNVLink, topology.LinkXGMI, topology.LinkC2C, topology.LinkXe),
	reflect.TypeFor[topology.LinkState]():   words(topology.LinkUp, topology.LinkDegraded, topology.LinkDown, topology.LinkStateUnknown),
	reflect.TypeFor[topology.AbsenceKind](): words(topology.Missing, topology.Unreadable, topology.Unknown),
	reflect.TypeFor[placement.Outcome]():    words(placement.Placed, placement.Refused, placement.Undecided),
	reflect.TypeFor[finding.State]():        {finding.Pass.String(), finding.Warn.String(), finding.Fail.String(), finding.Unknown.String()},
}

func words[T ~string](values ...T) []string {
	var out []string
	for _, v := range values {
		out = append(out, string(v))
	}
	return out
}

// patterns are the text forms of values that write themselves.
var patterns = map[reflect.Type]string{
	reflect.TypeFor[cpuset.Set]():   `^([0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*)?$`,
	reflect.TypeFor[pci.Address]():  `^[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]$`,
	reflect.TypeFor[pci.ID]():       `^0x[0-9a-f]{4}$`,
	reflect.TypeFor[pci.Class]():    `^0x[0-9a-f]{6}$`,
	reflect.TypeFor[topology.Ref](): `^([a-z0-9-]+(/.+)?)?$`,
}

// generator turns Go types into schemas. Structs become definitions.
type generator struct {
	defs  map[string]any
	types map[string]reflect.Type
	err   error
}

func (g *generator) schema(t reflect.Type) map[string]any {
	if w, ok := enums[t]; ok {
		return map[string]any{"type": "string", "enum": w}
	}
	if p, ok := patterns[t]; ok {
		return map[string]any{"type": "string", "pattern": p}
	}
	if t.Kind() != reflect.Pointer && t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
		return map[string]any{"type": "string"}
	}
	switch t.Kind() {
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return map[string]any{"type": "integer"}
	case reflect.Float32, reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Pointer:
		return nullable(g.schema(t.Elem()))
	case reflect.Slice:
		item := t.Elem()
		if item.Kind() == reflect.Pointer { // shared, never nil
			item = item.Elem()
		}
		return nullable(map[string]any{"type": "array", "items": g.schema(item)})
	case reflect.Map:
		s := map[string]any{"type": "object", "additionalProperties": g.schema(t.Elem())}
		if t.Key().Kind() != reflect.String {
			s["propertyNames"] = map[string]any{"pattern": `^-?[0-9]+$`}
		}
		return nullable(s)
	case reflect.Struct:
		return g.reference(t)
	}
	g.fail(fmt.Errorf("type %s has no schema", t))
	return map[string]any{}
}

// nullable lets a schema be null, too.
func nullable(s map[string]any) map[string]any {
	if _, ok := s["enum"]; ok || s["type"] == nil {
		return map[string]any{"anyOf": []any{s, map[string]any{"type": "null"}}}
	}
	if name, ok := s["type"].(string); ok {
		s["type"] = []string{name, "null"}
	}
	return s
}

func (g *generator) reference(t reflect.Type) map[string]any {
	name := t.Name()
	switch known, ok := g.types[name]; {
	case !ok:
		g.types[name] = t
		g.defs[name] = g.object(t)
	case known != t:
		g.fail(fmt.Errorf("two types are called %s: %s and %s", name, known, t))
	}
	return map[string]any{"$ref": "#/$defs/" + name}
}

// object is the schema of a struct. What its JSON always has is required; what
// it leaves out when empty is not, and is then not null either.
func (g *generator) object(t reflect.Type) map[string]any {
	properties, required := map[string]any{}, []string{}
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "-" || name == "" {
			g.fail(fmt.Errorf("field %s of %s has no JSON name", f.Name, t))
			continue
		}
		optional := slices.Contains(strings.Split(options, ","), "omitempty")
		inner := f.Type
		if optional && inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		properties[name] = g.schema(inner)
		if !optional {
			required = append(required, name)
		}
	}
	return map[string]any{"type": "object", "properties": properties, "required": required}
}

func (g *generator) fail(err error) {
	if g.err == nil {
		g.err = err
	}
}
