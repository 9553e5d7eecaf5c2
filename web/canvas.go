// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"
)

// canvas gathers SVG. Coordinates are whole pixels; looks come from classes in
// svg.css, so that a picture follows its reader's light or dark theme.
type canvas struct{ buf bytes.Buffer }

// escape makes text safe as XML text and attribute value; characters that XML
// does not allow become U+FFFD.
func escape(text string) string {
	var b bytes.Buffer
	// A bytes.Buffer never refuses a write.
	_ = xml.EscapeText(&b, []byte(text))
	return b.String()
}

func (c *canvas) raw(format string, args ...any) { fmt.Fprintf(&c.buf, format, args...) }

// open begins a group whose tooltip, also what screen readers say, is title.
func (c *canvas) open(class, title string) {
	c.raw(`<g class="%s"><title>%s</title>`, class, escape(title))
}

func (c *canvas) close() { c.raw("</g>\n") }

func (c *canvas) rect(class string, x, y, w, h, radius int) {
	c.raw(`<rect class="%s" x="%d" y="%d" width="%d" height="%d" rx="%d"/>`, class, x, y, w, h, radius)
}

// text writes what fits into room pixels, cut with an ellipsis; the whole stands
// in the tooltip of the group.
func (c *canvas) text(class string, x, y, size, room int, text string) {
	c.raw(`<text class="%s" x="%d" y="%d" font-size="%d">%s</text>`, class, x, y, size, escape(fit(text, size, room)))
}

func (c *canvas) path(class string, width float64, format string, args ...any) {
	c.raw(`<path class="%s" stroke-width="%.1f" d="%s"/>`, class, width, fmt.Sprintf(format, args...))
}

// measure is an upper estimate of a text's width in any usual sans-serif font:
// the reader's fonts are not known here, and text must stay in its box.
func measure(text string, size int) int {
	width := 0.0
	for _, r := range text {
		switch {
		case strings.ContainsRune("ijl.,:;'|! ", r):
			width += 0.36
		case strings.ContainsRune("mwMW@%", r):
			width += 0.98
		case r >= 'A' && r <= 'Z':
			width += 0.74
		case r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || strings.ContainsRune("-()[]/_", r):
			width += 0.62
		default:
			width += 1.05
		}
	}
	return int(width*float64(size)) + 1
}

func fit(text string, size, room int) string {
	if measure(text, size) <= room {
		return text
	}
	runes := []rune(text)
	for len(runes) > 0 && measure(string(runes)+"…", size) > room {
		runes = runes[:len(runes)-1]
	}
	return strings.TrimRight(string(runes), " ") + "…"
}
