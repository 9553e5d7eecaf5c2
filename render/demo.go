// SPDX-License-Identifier: Apache-2.0

package render

import (
	"embed"
	"io/fs"
)

//go:embed demo/*.yaml
var demoFiles embed.FS

// Demo returns the embedded demo fleet: forty machines and six planted faults.
func Demo() (*Fleet, error) { return ParseFleet(demoFiles, "demo/fleet.yaml") }

// DemoFiles returns the demo's files below demo/: fleet.yaml, the fact files that
// it names, and jobs.yaml.
func DemoFiles() fs.FS { return demoFiles }

// DemoJobs returns the Kubernetes manifests that the demo places on its fleet.
func DemoJobs() []byte {
	data, err := demoFiles.ReadFile("demo/jobs.yaml")
	if err != nil {
		panic(err) // the file is embedded beside this line
	}
	return data
}
