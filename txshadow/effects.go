package txshadow

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Effects count what a shadow would have done besides writing to its database,
// and has recorded instead, sorted by name. An empty, non-nil one says that
// there was nothing.
type Effects []Effect

// Effect counts one kind of work that was recorded.
type Effect struct {
	// Name is a kind ("callback"), or a kind and what it was: "mail:OrderMailer.placed",
	// "job:ChargeJob", "http:POST api.example.com".
	Name  string
	Count int64
}

// Record notes in a shadow that something would have been done outside of the
// database, and reports true: the caller leaves it out. It reports false when
// ctx is not that of a shadow, so that the caller does it. kind is "mail",
// "job", "callback" or another word; detail says which one, "" when the kind
// is enough, and never for whom: it is kept as evidence.
//
//	if !txshadow.Record(ctx, "job", "ChargeJob") {
//		queue.Push(job)
//	}
func Record(ctx context.Context, kind, detail string) bool {
	s := scopeOf(ctx)
	if s == nil || s.shadow == nil {
		return false
	}
	s.shadow.effects.add(effectName(kind, detail))
	return true
}

// Do calls do, or in a shadow records it instead and returns nil.
func Do(ctx context.Context, kind, detail string, do func() error) error {
	if Record(ctx, kind, detail) {
		return nil
	}
	return do()
}

const (
	maxEffectName = 200  // bytes of a name; the rest is cut off
	maxEffects    = 1000 // names that differ; more than a header field can carry, so that the footprint says it was cut
)

func effectName(kind, detail string) string {
	name := kind
	if detail != "" {
		name += ":" + detail
	}
	if len(name) > maxEffectName {
		name = strings.ToValidUTF8(name[:maxEffectName], "")
	}
	return name
}

// recorder keeps the effects of one shadow. The zero value is ready.
type recorder struct {
	mu     sync.Mutex
	counts map[string]int64
}

func (r *recorder) add(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.counts == nil {
		r.counts = map[string]int64{}
	}
	if _, known := r.counts[name]; known || len(r.counts) < maxEffects {
		r.counts[name]++
	}
}

// list is what was recorded so far.
func (r *recorder) list() Effects {
	r.mu.Lock()
	defer r.mu.Unlock()
	return effectsOf(r.counts)
}

// effectsOf is sorted and not nil.
func effectsOf(counts map[string]int64) Effects {
	all := make(Effects, 0, len(counts))
	for name, n := range counts {
		all = append(all, Effect{name, n})
	}
	slices.SortFunc(all, func(a, b Effect) int { return strings.Compare(a.Name, b.Name) })
	return all
}

func (e Effect) item() string { return formatString(e.Name) + ";n=" + strconv.FormatInt(e.Count, 10) }
