// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"encoding/xml"
	"io"
	"slices"
	"strconv"
	"strings"

	"tarsia.dev/tarsia/finding"
)

// The elements of JUnit XML that CI systems agree on (the "Jenkins xUnit"
// schema). It has no warning and no unknown, so the four states are told thus:
//
//	PASS     a test case
//	FAIL     a test case with <failure>
//	UNKNOWN  a test case with <error>: nobody could look, which must not pass
//	WARN     a test case that passes, with the warning in <system-out>
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		ClassName string        `xml:"classname,attr"`
		Name      string        `xml:"name,attr"`
		Failure   *junitProblem `xml:"failure"`
		Error     *junitProblem `xml:"error"`
		SystemOut string        `xml:"system-out,omitempty"`
	}
	junitProblem struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Text    string `xml:",chardata"`
	}
)

// JUnit writes a report as JUnit XML: a suite per area, a case per finding,
// named by check and subject so that a case keeps its name from run to run. It
// has no times, so equal reports give equal bytes. The error is the writer's.
func JUnit(w io.Writer, r finding.Report) error {
	doc := junitSuites{Name: "tarsia " + r.Subject}
	for _, f := range r.Findings {
		i := slices.IndexFunc(doc.Suites, func(s junitSuite) bool { return s.Name == f.Area })
		if i < 0 {
			i = len(doc.Suites)
			doc.Suites = append(doc.Suites, junitSuite{Name: f.Area})
		}
		s := &doc.Suites[i]
		c := junitCaseOf(f)
		// Readers fold cases of one name into one.
		base := c.Name
		for n := 2; slices.ContainsFunc(s.Cases, func(o junitCase) bool { return o.Name == c.Name }); n++ {
			c.Name = base + " (" + strconv.Itoa(n) + ")"
		}
		s.Cases = append(s.Cases, c)
		s.Tests++
		doc.Tests++
		switch f.State {
		case finding.Fail:
			s.Failures++
			doc.Failures++
		case finding.Unknown:
			s.Errors++
			doc.Errors++
		}
	}
	slices.SortFunc(doc.Suites, func(a, b junitSuite) int { return cmp.Compare(a.Name, b.Name) })
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(doc); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func junitCaseOf(f finding.Finding) junitCase {
	subject := "all"
	if len(f.Subjects) > 0 {
		subject = f.Subjects[0]
	}
	c := junitCase{ClassName: f.ID, Name: f.ID + " " + subject}
	switch f.State {
	case finding.Fail:
		c.Failure = &junitProblem{f.Summary, f.State.String(), evidenceText(f)}
	case finding.Unknown:
		c.Error = &junitProblem{f.Summary, f.State.String(), evidenceText(f)}
	case finding.Warn:
		c.SystemOut = strings.TrimSpace("WARN " + f.Summary + "\n" + evidenceText(f))
	case finding.Pass:
		c.SystemOut = f.Summary
	}
	return c
}
