// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// amount is a quantity in thousandths of the unit of its resource: some sources
// ask for a part of a device.
type amount int64

// whole is one unit of a resource.
const whole amount = 1000

// amounts is quantities by resource.
type amounts map[string]amount

// UnmarshalJSON reads a number of at most three decimals. It refuses what is
// negative and what thousandths of cannot be counted.
func (a *amount) UnmarshalJSON(text []byte) error {
	s := string(text)
	if s == "null" {
		return nil
	}
	number, fraction, _ := strings.Cut(s, ".")
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/int64(whole)-1 || s[0] == '-' {
		return amountError(s)
	}
	var f int64
	if fraction != "" {
		if len(fraction) > 3 {
			fraction = strings.TrimRight(fraction, "0")
		}
		if len(fraction) > 3 {
			return amountError(s)
		}
		if f, err = strconv.ParseInt((fraction + "000")[:3], 10, 64); err != nil || f < 0 {
			return amountError(s)
		}
	}
	*a = amount(n)*whole + amount(f)
	return nil
}

func amountError(s string) error {
	return &json.UnmarshalTypeError{Value: cut(s), Type: amountType}
}

// cellAddress is an address, which the sources write as a text or a number.
type cellAddress string

// UnmarshalJSON reads either.
func (a *cellAddress) UnmarshalJSON(text []byte) error {
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		return err
	}
	switch v := v.(type) {
	case nil:
	case string:
		*a = cellAddress(v)
	case float64:
		*a = cellAddress(strconv.FormatFloat(v, 'f', -1, 64))
	default:
		return fmt.Errorf("cell address %s: want a text or a number", cut(string(text)))
	}
	return nil
}

// cut shortens a text for an error.
func cut(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	return s[:most-3] + "..."
}
