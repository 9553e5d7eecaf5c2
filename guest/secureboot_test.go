// SPDX-License-Identifier: Apache-2.0

package guest_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"tarsia.dev/tarsia/guest"
)

// TestModuleSignatures enrols a key of the test in a guest's firmware, as its
// owner would, and then loads modules under Secure Boot with sig_enforce: ours
// and Debian's are accepted, an unsigned one and one that a stranger signed are
// refused.
func TestModuleSignatures(t *testing.T) {
	files := map[string][]byte{}
	variables := ""
	if !guest.Inside() {
		variables = filepath.Join(t.TempDir(), "variables.fd")
		files = signedModules(t)
	}
	t.Run("enrol", func(t *testing.T) {
		spec := guest.Spec{Arch: "amd64", SecureBoot: true, Variables: variables, Modules: []string{"efivarfs"}, Files: files}
		guest.Run(t, spec, func(t *testing.T, g *guest.Guest) {
			for _, v := range []struct{ name, owner string }{{"db", imageSecurity}, {"KEK", globalVariable}, {"PK", globalVariable}} {
				writeVariable(t, v.name, v.owner, readFile(t, "/tarsia/files/"+v.name+".auth"))
			}
		})
	})
	t.Run("load", func(t *testing.T) {
		spec := guest.Spec{Arch: "amd64", SecureBoot: true, Variables: variables, Modules: []string{"efivarfs"},
			Parameters: []string{"module.sig_enforce=1"}, Files: files}
		guest.Run(t, spec, func(t *testing.T, g *guest.Guest) {
			state := readFile(t, "/sys/firmware/efi/efivars/SecureBoot-"+globalVariable)
			if len(state) != 5 || state[4] != 1 {
				t.Fatalf("SecureBoot is %v, want on", state)
			}
			for _, c := range []struct {
				name string
				want error
			}{{"unsigned", unix.EKEYREJECTED}, {"stranger", unix.EKEYREJECTED}, {"ours", nil}, {"debian", nil}} {
				if err := insert("/tarsia/files/" + c.name + ".ko"); !errors.Is(err, c.want) {
					t.Errorf("the %s module: %v, want %v", c.name, err, c.want)
				}
				if err := unix.DeleteModule("dummy", 0); (err == nil) != (c.want == nil) {
					t.Errorf("removing the %s module: %v", c.name, err)
				}
			}
		})
	})
}

// UEFI 2.10, sections 3.3 and 32.6.1.
const (
	globalVariable = "8be4df61-93ca-11d2-aa0d-00e098032b8c"
	imageSecurity  = "d719b2cb-3d3a-4596-a3bc-dad00e67656f"
)

// signedModules returns the variables to enrol and one module in four states.
func signedModules(t *testing.T) map[string][]byte {
	t.Helper()
	tools := guest.GetTools(t)
	dir := t.TempDir()
	for _, name := range []string{"PK", "ours", "stranger"} {
		makeKey(t, filepath.Join(dir, name))
	}
	const owner = "11111111-2222-3333-4444-123456789abc"
	list := func(cert, out string) {
		tools.Run(t, dir, "usr/bin/cert-to-efi-sig-list", "-g", owner, cert, out)
	}
	list("PK.pem", "PK.esl")
	list("ours.pem", "db.esl")
	for _, v := range []struct{ name, list string }{{"db", "db.esl"}, {"KEK", "PK.esl"}, {"PK", "PK.esl"}} {
		tools.Run(t, dir, "usr/bin/sign-efi-sig-list", "-g", owner, "-k", "PK.key", "-c", "PK.pem", v.name, v.list, v.name+".auth")
	}
	debian := guest.KernelModule(t, "amd64", "dummy")
	plain, signed := stripSignature(debian)
	if !signed {
		t.Fatal("Debian's module is not signed")
	}
	write := func(name string, data []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("unsigned.ko", plain)
	for _, name := range []string{"ours", "stranger"} {
		tools.Run(t, dir, "usr/lib/linux-kbuild-*/scripts/sign-file", "sha256", name+".key", name+".pem", "unsigned.ko", name+".ko")
	}
	write("debian.ko", debian)
	files := map[string][]byte{}
	for _, name := range []string{"db.auth", "KEK.auth", "PK.auth", "unsigned.ko", "ours.ko", "stranger.ko", "debian.ko"} {
		files[name] = readFile(t, filepath.Join(dir, name))
	}
	return files
}

// makeKey writes base.key and base.pem: a self-signed RSA certificate.
func makeKey(t *testing.T, base string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: filepath.Base(base)},
		NotBefore: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2049, 1, 1, 0, 0, 0, 0, time.UTC),
		KeyUsage: x509.KeyUsageDigitalSignature, SubjectKeyId: []byte(filepath.Base(base)),
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{".key": {Type: "PRIVATE KEY", Bytes: private}, ".pem": {Type: "CERTIFICATE", Bytes: cert}} {
		if err := os.WriteFile(base+name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// stripSignature cuts what the kernel's sign-file appended: the signature, a
// 12-byte trailer that ends with its length, and a magic line.
func stripSignature(data []byte) ([]byte, bool) {
	body, ok := bytes.CutSuffix(data, []byte("~Module signature appended~\n"))
	if !ok || len(body) < 12 {
		return data, false
	}
	trailer := body[len(body)-12:]
	length := int(trailer[8])<<24 | int(trailer[9])<<16 | int(trailer[10])<<8 | int(trailer[11])
	if length > len(body)-12 {
		return data, false
	}
	return body[:len(body)-12-length], true
}

// writeVariable writes an authenticated UEFI variable in one write, as efivarfs
// wants it: four bytes of attributes, then the data.
func writeVariable(t *testing.T, name, owner string, data []byte) {
	t.Helper()
	const attributes = 0x27 // non-volatile, boot and run time, time-based authentication
	file := "/sys/firmware/efi/efivars/" + name + "-" + owner
	if err := os.WriteFile(file, append([]byte{attributes, 0, 0, 0}, data...), 0o644); err != nil {
		t.Fatalf("enrol %s: %v", name, err)
	}
}

func insert(file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	none := []byte{0}
	_, _, errno := unix.Syscall(unix.SYS_INIT_MODULE, uintptr(unsafe.Pointer(&data[0])), uintptr(len(data)), uintptr(unsafe.Pointer(&none[0])))
	if errno != 0 {
		return errno
	}
	return nil
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestTPM finds a TPM 2.0 in a guest: with its driver on amd64; on arm64, whose
// Debian kernel has none, as the device that the firmware's tables declare.
func TestTPM(t *testing.T) {
	t.Run("amd64", func(t *testing.T) {
		guest.Run(t, guest.Spec{Arch: "amd64", TPM: true, Modules: []string{"tpm_tis", "tpm_crb"}}, func(t *testing.T, g *guest.Guest) {
			version := strings.TrimSpace(string(readFile(t, "/sys/class/tpm/tpm0/tpm_version_major")))
			if version != "2" {
				t.Errorf("TPM version %q, want 2", version)
			}
			if _, err := os.Stat("/dev/tpm0"); err != nil {
				t.Error(err)
			}
		})
	})
	t.Run("arm64", func(t *testing.T) {
		guest.Run(t, guest.Spec{Arch: "arm64", TPM: true}, func(t *testing.T, g *guest.Guest) {
			found, err := filepath.Glob("/sys/bus/acpi/devices/MSFT0101:*")
			if err != nil || len(found) != 1 {
				t.Errorf("TPM 2.0 devices in ACPI: %v, %v; want 1", found, err)
			}
		})
	})
}
