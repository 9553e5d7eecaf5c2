// SPDX-License-Identifier: Apache-2.0

// Package cases answers recorded placement cases: what other schedulers' tests
// and bug reports ask for and what they expect, as lines of JSON. A case is
// read, translated into the fleet, the use and the gang of package placement,
// decided there, and the decision is translated back into nodes, devices and
// zones. Nothing is decided here: what the engine cannot express is answered
// as unsupported, with the reason.
//
// The recorded expectation is not read, except where it states the question:
// the order of events of a sequence and the gang shape that a case wants to
// keep room for.
//
// Begin with NewReader and Case.Answer.
package cases
