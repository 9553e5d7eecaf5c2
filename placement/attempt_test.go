// SPDX-License-Identifier: Apache-2.0

package placement

import (
	"fmt"
	"testing"
)

// nested is a fleet of four nodes, each a rack, in two halls.
func nested(t *testing.T) *Usage {
	t.Helper()
	var nodes []Node
	for i := range 4 {
		nodes = append(nodes, Node{
			Name: fmt.Sprintf("n%d", i), Allocatable: Resources{"gpu": 3},
			Domains: []Domain{{"hall", fmt.Sprintf("h%d", i/2)}, {"rack", fmt.Sprintf("r%d", i)}},
		})
	}
	f, err := NewFleet(nodes, []string{"hall", "rack"})
	if err != nil {
		t.Fatal(err)
	}
	return NewUsage(f)
}

// wishful is a gang of n pods, each a group that prefers a rack and a hall,
// as the gang does.
func wishful(n int) Gang {
	wishes := []LevelRule{{"hall", Preferred}, {"rack", Preferred}}
	g := Gang{Name: "g", Rules: wishes}
	for i := range n {
		name := fmt.Sprintf("s%d", i)
		g.PodSets = append(g.PodSets, PodSet{Name: name, Count: 1, Shape: Shape{Requests: Resources{"gpu": 1}}})
		g.Groups = append(g.Groups, Group{Name: "group " + name, Rules: wishes, PodSets: []string{name}})
	}
	return g
}

func TestGivingUpAnOuterLevelAloneIsNoChoice(t *testing.T) {
	u := nested(t)
	q, err := u.newQuery(wishful(2))
	if err != nil {
		t.Fatal(err)
	}
	masks, all := u.giveUps(q)
	if !all || len(masks) != 27 {
		t.Errorf("%d choices (all of them: %v), want three for each of three scopes", len(masks), all)
	}
}

// TestMoreWishesThanChoices places what keeps, by chance, a level that every
// listed choice gives up.
func TestMoreWishesThanChoices(t *testing.T) {
	for n := 1; n <= 8; n++ { // from 5 groups on, there are more choices than are tried
		d, err := Place(t.Context(), nested(t), wishful(n))
		if err != nil {
			t.Fatal(err)
		}
		if d.Outcome != Placed {
			t.Errorf("%d groups: %s (proved: %v), want placed", n, d.Outcome, d.Proved)
		}
	}
}

// TestLeastPodsOfAnOptionalGroup: a group runs with as many pods as it wants or
// not at all, also where the gang has no other.
func TestLeastPodsOfAnOptionalGroup(t *testing.T) {
	f, err := NewFleet([]Node{{Name: "n", Allocatable: Resources{"gpu": 3}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	g := Gang{
		Name: "g", MinPods: 1,
		PodSets: []PodSet{{Name: "s", Count: 2, Shape: Shape{Requests: Resources{"gpu": 2}}}},
		Groups:  []Group{{Name: "outer", MinGroups: 1, Groups: []Group{{Name: "pair", Optional: true, MinPods: 2, PodSets: []string{"s"}}}}},
	}
	d, err := Place(t.Context(), NewUsage(f), g)
	if err != nil || d.Outcome != Refused {
		t.Errorf("%s with %d pods, %v; want refused: one pod makes no pair", d.Outcome, len(d.Assignments), err)
	}
}
