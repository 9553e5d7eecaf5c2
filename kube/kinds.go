// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utiljson "k8s.io/apimachinery/pkg/util/json"
)

// kinds are what is read: for each kind the API versions whose fields are known
// here, and who reads it.
var kinds = []struct {
	kind     string
	versions []string
	read     func(*reader, *object)
}{
	{"Node", []string{"v1"}, (*reader).node},
	{"Pod", []string{"v1"}, (*reader).pod},
	{"Job", []string{"batch/v1"}, (*reader).job},
	{"JobSet", []string{"jobset.x-k8s.io/v1alpha2"}, (*reader).jobSet},
	{"LeaderWorkerSet", []string{"leaderworkerset.x-k8s.io/v1"}, (*reader).leaderWorkerSet},
	{"Deployment", []string{"apps/v1"}, (*reader).deployment},
	{"StatefulSet", []string{"apps/v1"}, (*reader).statefulSet},
	{"PodGroup", []string{nativeGroupV1beta1, nativeGroupV1alpha3, coschedulingV1alpha1, volcanoV1beta1}, (*reader).podGroup},
}

// kindNames lists the kinds for messages.
func kindNames() string {
	var names []string
	for _, k := range kinds {
		names = append(names, k.kind)
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}

// isListKind says whether a kind is a list of Kubernetes' own or of a kind that is
// read; another kind may end in List for reasons of its own.
func isListKind(kind string) bool {
	of, isList := strings.CutSuffix(kind, "List")
	if !isList || of == "" {
		return isList
	}
	for _, k := range kinds {
		if k.kind == of {
			return true
		}
	}
	return false
}

// header is what tells objects apart.
type header struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name         string `json:"name"`
		Namespace    string `json:"namespace"`
		GenerateName string `json:"generateName"`
		UID          string `json:"uid"`
	} `json:"metadata"`
}

// object reads one object and says whether its kind is one of ours.
func (r *reader) object(o *object) bool {
	var h header
	if err := utiljson.Unmarshal(o.raw, &h); err != nil {
		r.wrongTypes(o, &h, err)
		return true
	}
	// Items of a typed list leave out the kind that the list has.
	if h.Kind != "" || h.APIVersion != "" {
		o.kind, o.apiVersion = h.Kind, h.APIVersion
	}
	o.name, o.namespace, o.handWritten = h.Metadata.Name, h.Metadata.Namespace, h.Metadata.UID == ""
	if o.kind == "" || o.apiVersion == "" {
		missing := "kind"
		if o.kind != "" {
			missing = "apiVersion"
		}
		r.fail(o.at().errorf("found no %s, wanted a Kubernetes object with apiVersion and kind", missing))
		return true
	}
	if isListKind(o.kind) {
		r.fail(o.at().errorf("found a list inside a list, wanted its items"))
		return true
	}
	for _, k := range kinds {
		if k.kind != o.kind {
			continue
		}
		if !slices.Contains(k.versions, o.apiVersion) {
			r.fail(o.at("apiVersion").errorf("found %s for kind %s, wanted %s", quoted(o.apiVersion), o.kind, strings.Join(k.versions, " or ")))
			return true
		}
		if r.named(o, h) {
			k.read(r, o)
		}
		return true
	}
	r.notes.add("kind "+o.kind, o.at(), "%s is not used", o.title())
	return false
}

// named completes and checks the object's name, and that it is the only one.
func (r *reader) named(o *object, h header) bool {
	if o.namespace == "" && o.kind != "Node" {
		o.namespace = metav1.NamespaceDefault
	}
	if o.name == "" && h.Metadata.GenerateName != "" {
		// An API server adds five random characters; here the same input gives
		// the same names.
		key := o.kind + " " + o.namespace + "/" + h.Metadata.GenerateName
		o.name = fmt.Sprintf("%s%d", h.Metadata.GenerateName, r.generated[key])
		r.generated[key]++
	}
	if o.name == "" {
		r.fail(o.at("metadata").errorf("the %s has no name, wanted metadata.name or generateName", o.kind))
		return false
	}
	key := o.apiVersion + " " + o.key()
	if first, ok := r.seen[key]; ok {
		r.fail(o.at("metadata", "name").errorf("found a second %s, the first is at %s", o.title(), first))
		return false
	}
	r.seen[key] = o.at("metadata", "name")
	return true
}

// key is the object's identity among the objects of its kind.
func (o *object) key() string { return objectKey(o.kind, o.namespace, o.name) }

func objectKey(kind, namespace, name string) string {
	return kind + " " + namespace + "/" + name
}
