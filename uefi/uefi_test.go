// SPDX-License-Identifier: Apache-2.0

package uefi_test

import (
	"errors"
	"io/fs"
	"syscall"
	"testing"

	"tarsia.dev/tarsia/machine"
	"tarsia.dev/tarsia/uefi"
)

func TestParseSecureBoot(t *testing.T) {
	for _, tt := range []struct {
		name string
		data string
		want bool
		ok   bool
	}{
		{"on", "\x06\x00\x00\x00\x01", true, true},
		{"off", "\x06\x00\x00\x00\x00", false, true},
		{"another value", "\x06\x00\x00\x00\x02", false, false},
		{"no value", "\x06\x00\x00\x00", false, false},
		{"two values", "\x06\x00\x00\x00\x01\x01", false, false},
		{"cut", "\x06", false, false},
		{"empty", "", false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := uefi.ParseSecureBoot([]byte(tt.data))
			if got != tt.want || (err == nil) != tt.ok {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

func TestReadSecureBoot(t *testing.T) {
	f := machine.NewFiles()
	if _, err := uefi.ReadSecureBoot(f.Machine()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without efivarfs: %v", err)
	}
	if err := f.AddError(uefi.SecureBootPath, syscall.EACCES); err != nil {
		t.Fatal(err)
	}
	if _, err := uefi.ReadSecureBoot(f.Machine()); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("without leave: %v", err)
	}
}

func FuzzParseSecureBoot(f *testing.F) {
	for _, seed := range []string{"\x06\x00\x00\x00\x01", "\x06\x00\x00\x00", ""} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		on, err := uefi.ParseSecureBoot(data)
		if on && (err != nil || len(data) != 5 || data[4] != 1) {
			t.Errorf("% x is on, %v", data, err)
		}
		if v, err := uefi.ParseVariable(data); err == nil && len(v.Data) != len(data)-4 {
			t.Errorf("% x: data of %d bytes", data, len(v.Data))
		}
	})
}
