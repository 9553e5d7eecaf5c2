// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"bytes"
	"fmt"
	"testing"
)

// nodeList is the first GB200 tray of ../examples/nodes.yaml n times, each under a
// name of its own and with fifty images, as a node in use has them.
func nodeList(b *testing.B, n int) []byte {
	b.Helper()
	data := example(b, "nodes.yaml")[0].Data
	one := append([]byte("- apiVersion"), bytes.Split(data, []byte("\n- apiVersion"))[1]...)
	one = append(one, '\n')
	image := []byte("    - names:\n      - registry.example/runtime/trainer@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n      sizeBytes: 912680550\n")
	one = bytes.Replace(one, []byte("    images:\n"), append([]byte("    images:\n"), bytes.Repeat(image, 50)...), 1)
	var out bytes.Buffer
	out.WriteString("apiVersion: v1\nitems:\n")
	for i := range n {
		out.Write(bytes.ReplaceAll(one, []byte("gb200-1"), fmt.Appendf(nil, "gb200-%d", i)))
	}
	out.WriteString("kind: List\n")
	return out.Bytes()
}

func benchmarkRead(b *testing.B, data []byte, nodes int) {
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		in, err := Read([]File{{"nodes", data}})
		if err != nil {
			b.Fatal(err)
		}
		if len(in.Nodes) != nodes {
			b.Fatalf("read %d nodes, want %d", len(in.Nodes), nodes)
		}
	}
}

func BenchmarkReadNodesYAML500(b *testing.B) { benchmarkRead(b, nodeList(b, 500), 500) }

func BenchmarkReadNodesJSON5000(b *testing.B) {
	benchmarkRead(b, asJSON(b, nodeList(b, 5000)), 5000)
}
