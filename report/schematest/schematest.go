// SPDX-License-Identifier: Apache-2.0

// Package schematest checks JSON documents against the published schemas, for
// tests. It knows the part of JSON Schema 2020-12 that package report writes and
// refuses every other keyword, so that a schema never promises what nobody
// checks. It is stricter than the schemas in one thing: a property that the
// schema does not name is an error, since our own documents must not have any.
package schematest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"regexp"
	"slices"
	"strings"
)

// Validate returns the first place, by path, where the document breaks the
// schema; nil when it does not.
func Validate(schema, document []byte) error {
	var s map[string]any
	if err := json.Unmarshal(schema, &s); err != nil {
		return fmt.Errorf("read schema: %w", err)
	}
	var v any
	d := json.NewDecoder(bytes.NewReader(document))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return fmt.Errorf("read document: %w", err)
	}
	defs, _ := s["$defs"].(map[string]any)
	return validator{defs}.check(s, v, "$")
}

type validator struct{ defs map[string]any }

func (v validator) check(schema map[string]any, value any, path string) error {
	for _, keyword := range slices.Sorted(maps.Keys(schema)) {
		if err := v.keyword(schema, keyword, value, path); err != nil {
			return err
		}
	}
	return nil
}

func (v validator) keyword(schema map[string]any, keyword string, value any, path string) error {
	switch arg := schema[keyword]; keyword {
	case "$schema", "$id", "$defs", "title":
	case "$ref":
		name := strings.TrimPrefix(arg.(string), "#/$defs/")
		def, ok := v.defs[name].(map[string]any)
		if !ok {
			return fmt.Errorf("%s: schema refers to %q, which is not defined", path, arg)
		}
		return v.check(def, value, path)
	case "type":
		names, ok := arg.([]any)
		if !ok {
			names = []any{arg}
		}
		if !slices.ContainsFunc(names, func(n any) bool { return isType(value, n.(string)) }) {
			return fmt.Errorf("%s: found %v, want type %v", path, value, names)
		}
	case "const":
		if value != arg {
			return fmt.Errorf("%s: found %v, want %v", path, value, arg)
		}
	case "enum":
		if !slices.Contains(arg.([]any), value) {
			return fmt.Errorf("%s: found %q, want one of %v", path, value, arg)
		}
	case "pattern":
		if text, ok := value.(string); ok && !regexp.MustCompile(arg.(string)).MatchString(text) {
			return fmt.Errorf("%s: found %q, want pattern %s", path, text, arg)
		}
	case "anyOf":
		var first error // the others say little: "want null"
		for _, s := range arg.([]any) {
			err := v.check(s.(map[string]any), value, path)
			if err == nil {
				return nil
			}
			first = cmp.Or(first, err)
		}
		return first
	case "items":
		list, _ := value.([]any)
		for i, item := range list {
			if err := v.check(arg.(map[string]any), item, fmt.Sprintf("%s[%d]", path, i)); err != nil {
				return err
			}
		}
	case "required":
		object, ok := value.(map[string]any)
		for _, name := range arg.([]any) {
			if _, has := object[name.(string)]; ok && !has {
				return fmt.Errorf("%s: want property %q", path, name)
			}
		}
	case "properties":
		return v.properties(arg.(map[string]any), value, path)
	case "additionalProperties", "propertyNames":
		return v.members(keyword, arg.(map[string]any), value, path)
	default:
		return fmt.Errorf("%s: schema keyword %q is not checked by this package", path, keyword)
	}
	return nil
}

func (v validator) properties(schemas map[string]any, value any, path string) error {
	object, _ := value.(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(object)) {
		s, ok := schemas[name].(map[string]any)
		if !ok {
			return fmt.Errorf("%s: found property %q, which the schema does not name", path, name)
		}
		if err := v.check(s, object[name], path+"."+name); err != nil {
			return err
		}
	}
	return nil
}

func (v validator) members(keyword string, schema map[string]any, value any, path string) error {
	object, _ := value.(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(object)) {
		member := object[name]
		if keyword == "propertyNames" {
			member = name
		}
		if err := v.check(schema, member, path+"."+name); err != nil {
			return err
		}
	}
	return nil
}

func isType(value any, name string) bool {
	switch v := value.(type) {
	case nil:
		return name == "null"
	case bool:
		return name == "boolean"
	case string:
		return name == "string"
	case []any:
		return name == "array"
	case map[string]any:
		return name == "object"
	case json.Number:
		_, whole := new(big.Int).SetString(v.String(), 10)
		return name == "number" || name == "integer" && whole
	}
	return false
}
