// SPDX-License-Identifier: Apache-2.0

package placement

// Mode is how strongly a level is asked for.
type Mode string

// Required is a hard rule. Preferred is given up, outermost wish last, before a
// gang is refused. Counted forbids nothing: the objective counts the domains of
// the level, so that the pods use few of them.
const (
	Required  Mode = "required"
	Preferred Mode = "preferred"
	Counted   Mode = "counted"
)

// LevelRule asks that pods lie in one domain of a level. LevelNode names the
// node itself.
type LevelRule struct {
	Level string
	Mode  Mode
}

// LevelNode is the level of which each node is a domain of its own.
const LevelNode = "node"

// Gang is a set of pods of which all run or none, or at least as many as it
// says it needs.
type Gang struct {
	Name string
	// Labels are those of the job, for policies; the engine does not look at them.
	Labels  map[string]string
	Rules   []LevelRule // for all its pods together
	PodSets []PodSet
	Groups  []Group // pod sets that stay together by rules of their own; disjoint
	// MinPods is how many pods of all sets must run at least; 0 is what the sets
	// say. Where it is more, a set that says no least number of its own needs none.
	// MinGroups is the same for Groups; 0 is all of them but the optional ones. A
	// group that does not run has no pods.
	MinPods, MinGroups int

	Priority int32
	// Preempt lets running pods of lower priority give way: the decision then
	// names its victims.
	Preempt bool

	// Objective orders the families of lines that decide between placements, most
	// important first. Empty is DefaultObjective; a family that is left out is
	// appended in the order of DefaultObjective.
	Objective []Family
	Costs     []Cost // lines of FamilyCost, in their order
}

// Group is pod sets of a gang, or groups of them, that stay together.
type Group struct {
	Name    string
	Rules   []LevelRule
	PodSets []string // by name
	Groups  []Group
	// MinGroups is how many of Groups must run at least; 0 is all of them.
	MinGroups int
	// Optional groups may get no pods at all, whatever MinGroups says about the
	// others.
	Optional bool
	// MinPods is how many pods of all its sets must run at least where the group
	// runs, whatever the sets say; 0 is what they say.
	MinPods int
}

// PodSet is Count like pods.
type PodSet struct {
	Name  string
	Count int
	// Min is how many of them must run at least; 0 is Count, or none where the gang
	// or a group around it has MinPods. What fits beyond Min is placed too.
	Min   int
	Shape Shape
	Rules []LevelRule // for this set by itself

	Slices []Slice // outer to inner
	Limits []Limit
	// Balance names a level over whose domains the pods are split as evenly as
	// possible, on the fewest of them.
	Balance string
	// Spares is how many places like the pods' own are kept free for them under
	// the same level rules and limits, if the set runs at all; they are assigned as
	// spare. Slices and balance speak of the pods alone.
	Spares int
	// Held are pods of the set that already run and stay where they are; they
	// count for rules, slices and limits and are part of Count. The fleet's Usage
	// holds what they use. Where Count is less, the decision names those to give
	// up.
	Held []Assignment
}

// Slice asks that in every domain of a level the number of the set's pods be a
// multiple of Size.
type Slice struct {
	Level string
	Size  int
}

// Limit is how many pods of the set a domain of a level takes at most.
type Limit struct {
	Level string
	Pods  int
}

// Family is a group of lines of the objective.
type Family string

// Families. Each counts what a placement costs; smaller is better.
const (
	FamilyPlaced      Family = "placed"      // pods beyond the least number that are not placed
	FamilyVictims     Family = "victims"     // pods evicted, by priority, then by number
	FamilyGivenUp     Family = "given-up"    // preferred levels given up
	FamilyAffinity    Family = "affinity"    // weight of label preferences not met
	FamilyDomains     Family = "domains"     // domains used by level, outermost first; then nodes
	FamilyBalance     Family = "balance"     // largest less smallest share of a balanced set
	FamilyTaints      Family = "taints"      // PreferNoSchedule taints
	FamilyOpportunity Family = "opportunity" // gang shapes of the demand mix that are destroyed
	FamilyCost        Family = "cost"        // the gang's Costs
	FamilyDevices     Family = "devices"     // device sets: score lost, sets broken
	FamilyFree        Family = "free"        // what stays free where the gang runs
)

// Cost is one line of the objective from outside: money, watts, unreliability.
type Cost struct {
	Name string
	// PerPod is what one pod costs on each node, by the node's name; a node that
	// is not in it costs Other. No value is negative.
	PerPod map[string]int64
	Other  int64
	// Sets is the same for pod sets whose pods cost something else, by the name of
	// the set.
	Sets map[string]SetCost
}

// SetCost is Cost.PerPod and Cost.Other for the pods of one set.
type SetCost struct {
	PerPod map[string]int64
	Other  int64
}
