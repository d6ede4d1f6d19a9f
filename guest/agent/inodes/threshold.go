package inodes

import "time"

// pace is how many inodes a second are provided for: twice what a guest learns of in a walk through directories, for a trim takes time.
const pace = 100_000

// The shortest and the longest time between two looks while something happens. The shortest is enough for the kernel to give back the
// memory of what it has forgotten, which is what Count sees.
const (
	shortest = 100 * time.Millisecond
	longest  = 10 * time.Second
)

// threshold says when there are too many: at half of the limit, for files that are open take descriptors too.
type threshold struct {
	limit, at int64
}

func newThreshold(limit int64) *threshold { return &threshold{limit, limit / 2} }

func (t *threshold) exceeded(count int64) bool { return count > t.at }

// left takes in how many are left after a look. What is in use cannot be forgotten: where that is a lot, the next time comes when
// another quarter of the limit has been added, not at every look.
func (t *threshold) left(count int64) {
	t.at = max(t.limit/2, min(t.at, count+t.limit/4))
}

// trimmed takes in how many are left after a trim.
func (t *threshold) trimmed(count int64) {
	t.at = max(t.limit/2, count+t.limit/4)
}

// wait is how long the limit is out of reach.
func (t *threshold) wait(count int64) time.Duration {
	room := max(0, min(t.limit-count, pace*int64(longest/time.Second)))
	return max(shortest, time.Duration(room)*time.Second/pace)
}
