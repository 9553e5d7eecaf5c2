// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"encoding/json"
	"fmt"
	"net"
	"time"
)

// monitor gives QEMU one command over its machine protocol (QEMU, qmp-spec.rst)
// and waits for the answer.
func monitor(socket, command string, arguments map[string]string) error {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return fmt.Errorf("reach QEMU's monitor: %w", err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return err
	}
	answers := json.NewDecoder(conn)
	var greeting map[string]any
	if err := answers.Decode(&greeting); err != nil {
		return fmt.Errorf("read QEMU's greeting: %w", err)
	}
	for _, c := range []map[string]any{
		{"execute": "qmp_capabilities"},
		{"execute": command, "arguments": arguments},
	} {
		if err := json.NewEncoder(conn).Encode(c); err != nil {
			return fmt.Errorf("ask QEMU: %w", err)
		}
		if err := awaitReturn(answers); err != nil {
			return fmt.Errorf("%v: %w", c["execute"], err)
		}
	}
	return nil
}

// awaitReturn skips events up to the answer.
func awaitReturn(answers *json.Decoder) error {
	for {
		var a struct {
			Return *json.RawMessage `json:"return"`
			Error  *struct {
				Desc string `json:"desc"`
			} `json:"error"`
		}
		if err := answers.Decode(&a); err != nil {
			return err
		}
		switch {
		case a.Error != nil:
			return fmt.Errorf("QEMU refuses: %s", a.Error.Desc)
		case a.Return != nil:
			return nil
		}
	}
}
