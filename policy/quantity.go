// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"

	"github.com/google/cel-go/common/types"

	"tarsia.dev/tarsia/placement"
)

// Bounds of what a policy may say: a million of the currency an hour, a megawatt,
// ten years.
const (
	maxMoney   = 1_000_000 * millionth
	maxWatts   = 1_000_000 * 1000
	maxWait    = 10 * 366 * 24 * 3600
	millionth  = 1_000_000
	limitOfSum = math.MaxInt64
)

// decimal reads a number that is not negative as a whole number of parts, exactly.
func decimal(text string, parts, most int64) (int64, error) {
	whole, fraction, _ := strings.Cut(text, ".")
	digits := len(strconv.FormatInt(parts, 10)) - 1
	if whole == "" && fraction == "" || strings.Trim(whole+fraction, "0123456789") != "" {
		return 0, errors.New("a number such as 0.25")
	}
	if len(strings.TrimRight(fraction, "0")) > digits {
		return 0, fmt.Errorf("at most %d digits after the point", digits)
	}
	fraction = (fraction + strings.Repeat("0", digits))[:digits]
	n, err := strconv.ParseInt(strings.TrimLeft(whole+fraction, "0")+"", 10, 64)
	if strings.Trim(whole+fraction, "0") == "" {
		n, err = 0, nil
	}
	if err != nil || n > most {
		return 0, fmt.Errorf("a number of at most %s", written(most, parts))
	}
	return n, nil
}

// written is a whole number of parts as people write it: 2.5.
func written(v, parts int64) string {
	sign := ""
	if v < 0 {
		sign, v = "-", -v
	}
	whole, fraction := v/parts, v%parts
	digits := len(strconv.FormatInt(parts, 10)) - 1
	text := strings.TrimRight(fmt.Sprintf("%0*d", digits, fraction), "0")
	if text == "" {
		return sign + strconv.FormatInt(whole, 10)
	}
	return sign + strconv.FormatInt(whole, 10) + "." + text
}

// seconds reads a duration as CEL and Go write it: 90s, 10m, 1h30m.
func seconds(text string) (int64, error) {
	d, ok := types.String(text).ConvertToType(types.DurationType).(types.Duration)
	if !ok {
		return 0, errors.New("a duration such as 10m or 1h30m")
	}
	s := d.Seconds()
	if s < 0 || s > maxWait || s != math.Trunc(s) {
		return 0, errors.New("whole seconds from 0s to ten years")
	}
	return int64(s), nil
}

// waitText writes seconds as people do: 10m, 1h30m.
func waitText(s int64) string {
	var b strings.Builder
	for _, u := range []struct {
		name string
		size int64
	}{{"d", 86400}, {"h", 3600}, {"m", 60}} {
		if n := s / u.size; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, u.name)
			s %= u.size
		}
	}
	if s > 0 || b.Len() == 0 {
		fmt.Fprintf(&b, "%ds", s)
	}
	return b.String()
}

// amount reads a quantity of a resource in the engine's unit: cores as 2 or 500m,
// bytes with a binary or decimal suffix, anything else as a whole number.
func amount(resource, text string) (int64, error) {
	switch {
	case resource == placement.CPU:
		if milli, ok := strings.CutSuffix(text, "m"); ok {
			return decimal(milli, 1, math.MaxInt32*1000)
		}
		return decimal(text, 1000, math.MaxInt32*1000)
	case strings.Contains(resource, "/"):
		return decimal(text, 1, math.MaxInt32)
	}
	for i, suffix := range []string{"Ki", "Mi", "Gi", "Ti", "Pi"} {
		if head, ok := strings.CutSuffix(text, suffix); ok {
			n, err := decimal(head, 1, math.MaxInt64>>(10*(i+1)))
			return n << (10 * (i + 1)), err
		}
	}
	scale := int64(1)
	for _, suffix := range []string{"k", "M", "G", "T", "P"} {
		scale *= 1000
		if head, ok := strings.CutSuffix(text, suffix); ok {
			n, err := decimal(head, 1, math.MaxInt64/scale)
			return n * scale, err
		}
	}
	return decimal(text, 1, math.MaxInt64)
}

// plus and times stay at the most that can be counted; no argument is negative.
func plus(a, b int64) int64 {
	if a > limitOfSum-b {
		return limitOfSum
	}
	return a + b
}

func times(a, b int64) int64 {
	if a != 0 && b > limitOfSum/a {
		return limitOfSum
	}
	return a * b
}

// share is price*part/whole, rounded half up; no argument is negative, whole is
// not 0.
func share(price, part, whole int64) int64 {
	hi, lo := bits.Mul64(uint64(price), uint64(part))
	lo, carry := bits.Add64(lo, uint64(whole)/2, 0)
	if hi += carry; hi >= uint64(whole) {
		return limitOfSum
	}
	q, _ := bits.Div64(hi, lo, uint64(whole))
	return int64(min(q, limitOfSum))
}
