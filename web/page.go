// SPDX-License-Identifier: Apache-2.0

// Package web draws nodes as SVG and writes a fleet, its findings and decisions
// as one HTML file that needs no network, no server and, for reading, no
// script. What a machine or a cluster calls itself is data, never markup.
// Begin with Write, NodePage and NodeSVG.
package web

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"io"
	"strings"

	"tarsia.dev/tarsia/finding"
	"tarsia.dev/tarsia/placement"
	"tarsia.dev/tarsia/topology"
)

var (
	//go:embed page.tmpl
	pageTemplate string
	//go:embed page.css
	pageStyle string
	//go:embed page.js
	pageScript string
)

// Page is what one file shows. Report and Decisions may be empty; Fleet may
// not be nil.
type Page struct {
	Fleet     *topology.Fleet
	Report    finding.Report
	Decisions []placement.Decision
	Generator string // name and version of the program, for the footer
}

// Write writes the page of a fleet.
func Write(w io.Writer, p Page) error {
	if p.Fleet == nil {
		return errors.New("write page: no fleet")
	}
	return write(w, newView(p))
}

// NodePage writes the page of one node: picture, matrix, findings.
func NodePage(w io.Writer, n *topology.Node, r finding.Report) error {
	v := newView(Page{Fleet: topology.NewFleet(n.Name, []*topology.Node{n}, topology.Site{}), Report: r})
	// One machine has nobody to agree or differ with.
	v.Single, v.Groups = true, 0
	return write(w, v)
}

func write(w io.Writer, v view) error {
	t, err := template.New("page").Funcs(template.FuncMap{"sign": sign, "join": strings.Join}).Parse(pageTemplate)
	if err != nil {
		return fmt.Errorf("parse page template: %w", err)
	}
	style := svgStyle + pageStyle
	v.Style, v.Script, v.Hatch = template.CSS(style), template.JS(pageScript), template.HTML(hatch)
	// The policy names the one style sheet and the one script by their hashes,
	// so that nothing else in the page can ever run or be fetched.
	v.Policy = fmt.Sprintf("default-src 'none'; style-src '%s'; script-src '%s'; base-uri 'none'; form-action 'none'", hash(style), hash(pageScript))
	var buf bytes.Buffer
	if err := t.Execute(&buf, v); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	if _, err := buf.WriteTo(w); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return nil
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}
