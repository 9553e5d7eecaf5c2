// SPDX-License-Identifier: Apache-2.0

package nvml

import (
	"fmt"
	"strconv"
)

// returnNames are nvmlReturn_t without NVML_ERROR_ (nvml.h).
var returnNames = map[int]string{
	0: "SUCCESS", 1: "UNINITIALIZED", 2: "INVALID_ARGUMENT", 3: "NOT_SUPPORTED", 4: "NO_PERMISSION",
	5: "ALREADY_INITIALIZED", 6: "NOT_FOUND", 7: "INSUFFICIENT_SIZE", 8: "INSUFFICIENT_POWER",
	9: "DRIVER_NOT_LOADED", 10: "TIMEOUT", 11: "IRQ_ISSUE", 12: "LIBRARY_NOT_FOUND", 13: "FUNCTION_NOT_FOUND",
	14: "CORRUPTED_INFOROM", 15: "GPU_IS_LOST", 16: "RESET_REQUIRED", 17: "OPERATING_SYSTEM",
	18: "LIB_RM_VERSION_MISMATCH", 19: "IN_USE", 20: "MEMORY", 21: "NO_DATA", 22: "VGPU_ECC_NOT_SUPPORTED",
	23: "INSUFFICIENT_RESOURCES", 24: "FREQ_NOT_SUPPORTED", 25: "ARGUMENT_VERSION_MISMATCH", 26: "DEPRECATED",
	27: "NOT_READY", 28: "GPU_NOT_FOUND", 29: "INVALID_STATE", 30: "RESET_TYPE_NOT_SUPPORTED", 999: "UNKNOWN",
}

// ReturnName names an nvmlReturn_t without NVML_ERROR_: "GPU_IS_LOST". One that
// this reader does not know is "RETURN_" and its number.
func ReturnName(code int) string {
	if name, ok := returnNames[code]; ok {
		return name
	}
	return "RETURN_" + strconv.Itoa(code)
}

// clocksEvents are the bits of nvmlClocksEventReasons (nvml.h), in their order.
var clocksEvents = []string{
	"idle", "application clocks", "software power cap", "hardware slowdown", "sync boost", "software thermal slowdown",
	"hardware thermal slowdown", "power brake", "display clocks", "board limit", "reliability",
}

// ClocksEventNames says what holds the clocks down, in the order of the bits. A
// bit without a name is "bit 17".
func ClocksEventNames(mask uint64) []string {
	var names []string
	for bit := range 64 {
		switch {
		case mask&(1<<bit) == 0:
		case bit < len(clocksEvents):
			names = append(names, clocksEvents[bit])
		default:
			names = append(names, fmt.Sprintf("bit %d", bit))
		}
	}
	return names
}

// HealthFact is one field of a fabric's health mask.
type HealthFact struct {
	Name  string // "degraded bandwidth"
	Value string // "yes", "no", "not told", a wrong configuration's name, or "value 3"
	Bad   bool   // the fabric says that something is wrong
}

// healthFields are the fields of NVML_GPU_FABRIC_HEALTH_MASK (nvml.h). The first
// value of each is that the driver does not tell.
var healthFields = []struct {
	name   string
	shift  uint
	mask   int64
	values []string
	bad    func(v int64) bool
}{
	{"degraded bandwidth", 0, 3, []string{"not told", "yes", "no"}, isOne},
	{"route recovery", 2, 3, []string{"not told", "yes", "no"}, isOne},
	{"unhealthy route", 4, 3, []string{"not told", "yes", "no"}, isOne},
	{"access timeout recovery", 6, 3, []string{"not told", "yes", "no"}, isOne},
	{"incorrect configuration", 8, 15, []string{"not told", "none", "system GUID", "chassis serial number", "no partition",
		"insufficient NVLinks", "incompatible GPU firmware", "invalid location", "GPU state invalid"},
		func(v int64) bool { return v > 1 }},
	{"partition assigned", 12, 3, []string{"not told", "yes", "no"}, func(v int64) bool { return v == 2 }},
	{"global fabric manager connected", 14, 3, []string{"not told", "yes", "no"}, func(v int64) bool { return v == 2 }},
}

func isOne(v int64) bool { return v == 1 }

// DecodeHealth says what a fabric's health mask tells, field by field in the order
// of the bits.
func DecodeHealth(mask int64) []HealthFact {
	facts := make([]HealthFact, 0, len(healthFields))
	for _, f := range healthFields {
		v := mask >> f.shift & f.mask
		fact := HealthFact{Name: f.name, Value: fmt.Sprintf("value %d", v), Bad: f.bad(v)}
		if v < int64(len(f.values)) {
			fact.Value = f.values[v]
		}
		facts = append(facts, fact)
	}
	return facts
}
