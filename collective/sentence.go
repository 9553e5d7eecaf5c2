// SPDX-License-Identifier: Apache-2.0

package collective

import (
	"fmt"
	"strings"

	"tarsia.dev/tarsia/internal/unit"
)

// String is the expectation as one sentence without a full stop, "" where there
// is nothing to send.
func (e Estimate) String() string {
	if e.Ranks < 2 || e.Bytes <= 0 {
		return ""
	}
	what := fmt.Sprintf("%s of %s among %d accelerators", e.Operation, unit.Bytes(e.Bytes), e.Ranks)
	unknown := strings.Join(e.Unknown, "; ")
	if e.Seconds == nil {
		return fmt.Sprintf("%s: not known: %s", what, unknown)
	}
	time, rate := duration(*e.Seconds), unit.Rate(int64(*e.BusBytesPerSecond))
	if unknown != "" {
		return fmt.Sprintf("%s: at least %s, at most %s of bus bandwidth by the %s; not known: %s", what, time, rate, e.Bottleneck, unknown)
	}
	return fmt.Sprintf("%s: about %s, %s of bus bandwidth, held up by the %s", what, time, rate, e.Bottleneck)
}

// duration writes seconds with three digits: "4.6 ms".
func duration(s float64) string {
	for _, u := range []struct {
		least float64
		word  string
	}{{1, "s"}, {1e-3, "ms"}} {
		if s >= u.least {
			return unit.Number(s/u.least) + " " + u.word
		}
	}
	return unit.Number(s*1e6) + " µs"
}
