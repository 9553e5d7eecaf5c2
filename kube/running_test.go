// SPDX-License-Identifier: Apache-2.0

package kube_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tarsia.dev/tarsia/kube"
)

// TestRunning: a pod that runs says with whom it is evicted, at what priority, and
// when it ends where it has a deadline.
func TestRunning(t *testing.T) {
	const files = `
apiVersion: v1
kind: Pod
metadata:
  name: train-0
  ownerReferences: [{apiVersion: batch/v1, kind: Job, name: train, uid: u, controller: true}]
spec: {nodeName: n, priority: 7, activeDeadlineSeconds: 600, containers: [{name: c}]}
status: {startTime: "2026-03-02T08:00:00Z"}
---
apiVersion: v1
kind: Pod
metadata: {name: alone}
spec: {nodeName: n, activeDeadlineSeconds: 600, containers: [{name: c}]}
`
	in, err := kube.Read([]kube.File{{Name: "f", Data: []byte(files)}})
	if err != nil {
		t.Fatal(err)
	}
	in.EndsFrom(time.Date(2026, 3, 2, 8, 4, 0, 500, time.UTC))
	type row struct {
		Name, Gang string
		Priority   int32
		End        *int64
	}
	var got []row
	for _, p := range in.Running {
		got = append(got, row{p.Name, p.Gang, p.Priority, p.End})
	}
	if diff := cmp.Diff([]row{{"default/train-0", "job/train", 7, new(int64(360))}, {"default/alone", "", 0, nil}}, got); diff != "" {
		t.Errorf("running (-want +got):\n%s", diff)
	}
}
