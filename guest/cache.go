// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// bundle is a folder of the cache with unpacked packages.
type bundle struct {
	root     string
	Suite    string     `json:"suite"`
	Arch     string     `json:"arch"`
	Packages []resolved `json:"packages"`
}

// String names the packages that were wanted; the bundle's own file has the
// libraries that came with them, and every hash.
func (b *bundle) String() string {
	var names []string
	for _, p := range b.Packages {
		if !strings.HasPrefix(p.Name, "lib") {
			names = append(names, p.String())
		}
	}
	return fmt.Sprintf("%s %s: %s", b.Suite, b.Arch, strings.Join(names, ", "))
}

// find returns the one file that matches one of the patterns below the root.
func (b *bundle) find(patterns ...string) (string, error) {
	for _, p := range patterns {
		found, err := filepath.Glob(filepath.Join(b.root, p))
		if err != nil {
			return "", err
		}
		if len(found) > 0 {
			slices.Sort(found)
			return found[len(found)-1], nil
		}
	}
	return "", fmt.Errorf("none of %s in %s", strings.Join(patterns, ", "), b)
}

// fetch returns the bundle called name, from the cache or made by pick, which
// chooses the packages. A bundle appears whole or not at all.
func fetch(ctx context.Context, cache, name string, s func() (*suite, error), pick func(context.Context, *suite) ([]string, error)) (*bundle, error) {
	root := filepath.Join(cache, name)
	if b, err := readBundle(root); err == nil {
		return b, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	from, err := s()
	if err != nil {
		return nil, err
	}
	if err := from.update(ctx); err != nil {
		return nil, err
	}
	names, err := pick(ctx, from)
	if err != nil {
		return nil, err
	}
	made, err := os.MkdirTemp(cache, name+".new-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(made)
	b := &bundle{root: root, Suite: from.name, Arch: from.arch}
	if b.Packages, err = from.unpack(ctx, made, names); err != nil {
		return nil, err
	}
	data, err := json.MarshalIndent(b, "", " ")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(made, "tarsia-bundle.json"), data, 0o644); err != nil {
		return nil, err
	}
	if err := os.Chmod(made, 0o755); err != nil {
		return nil, err
	}
	return b, os.Rename(made, root)
}

func readBundle(root string) (*bundle, error) {
	data, err := os.ReadFile(filepath.Join(root, "tarsia-bundle.json"))
	if err != nil {
		return nil, err
	}
	b := &bundle{root: root}
	if err := json.Unmarshal(data, b); err != nil {
		return nil, fmt.Errorf("read %s: %w", root, err)
	}
	return b, nil
}

func sha256File(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// libraries is the LD_LIBRARY_PATH for programs of the bundle.
func (b *bundle) libraries() (string, error) {
	var all []string
	for _, pattern := range []string{"usr/lib/*-linux-gnu", "lib/*-linux-gnu", "usr/lib/*-linux-gnu/swtpm"} {
		found, err := filepath.Glob(filepath.Join(b.root, pattern))
		if err != nil {
			return "", err
		}
		all = append(all, found...)
	}
	return strings.Join(all, ":"), nil
}
