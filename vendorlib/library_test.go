// SPDX-License-Identifier: Apache-2.0

package vendorlib_test

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"tarsia.dev/tarsia/vendorlib"
)

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{"libnvidia-ml.so.1", "./libnvidia-ml.so.1", ""} {
		// The path that is wrong is told even behind one that is right.
		if _, err := vendorlib.Open(filepath.Join(dir, "none"), path); err == nil || !strings.Contains(err.Error(), "want an absolute path") {
			t.Errorf("%q: %v", path, err)
		}
	}
	if _, err := vendorlib.Open(dir); err == nil || !strings.Contains(err.Error(), "no regular file") {
		t.Errorf("a folder: %v", err)
	}
	if _, err := vendorlib.Open(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing: %v", err)
	}
	for _, path := range vendorlib.NVMLPaths() {
		if !filepath.IsAbs(path) || filepath.Base(path) != "libnvidia-ml.so.1" {
			t.Errorf("path %q", path)
		}
	}
}
