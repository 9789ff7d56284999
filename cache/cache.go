// Package cache keeps whole answers of safe routes for a short time and lets
// one request go to the backend for many that wait for the same answer.
//
// It is an RFC 9111 shared cache cut down to what a migration needs: start
// with [New] and ask with [Cache.Ask], which gives a stored [Answer] or, to
// the one request that goes to the backend, a [Fill] to be fed with what comes
// back. What it may store is decided by RFC 9111 section 3 (no-store, private,
// Authorization, Vary), and never for longer than the route's TTL. An answer
// that does not say it is public is kept apart by Cookie and Authorization as
// if Vary named them. Memory is bounded in bytes. It never revalidates and
// never serves what is stale.
package cache

import (
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
)

// Settings are a route's cache settings.
type Settings struct {
	// TTL is how long an answer may be served from the cache; 0 switches the
	// cache off for the route. An answer's own Cache-Control max-age or
	// s-maxage, or Expires, if shorter, wins.
	TTL time.Duration
}

// patience is how long a request waits for another's answer before it goes to
// the backend itself. It bounds what one slow answer can cost the others.
const patience = 5 * time.Second

// Cache is the store of answers. Safe for concurrent use.
type Cache struct {
	answers   *otter.Cache[key, *Answer]
	vary      *otter.Cache[key, []string] // fields that tell a resource's answers apart
	maxAnswer int64                       // bytes of one body
	maxFills  int64                       // bytes of bodies being recorded, in all
	filling   atomic.Int64                // bytes of bodies being recorded

	mu      sync.Mutex
	flights map[key]*flight // requests on their way to the backend
}

// New makes a cache of at most maxBytes, and as much again for answers that
// are on their way in. One answer may take a sixteenth of it. The least is
// 1 MiB. No goroutine is started.
func New(maxBytes int64) *Cache {
	maxBytes = max(maxBytes, 1<<20)
	inline := func(f func()) { f() }
	return &Cache{
		answers: otter.Must(&otter.Options[key, *Answer]{
			MaximumWeight: uint64(maxBytes),
			Weigher:       func(_ key, a *Answer) uint32 { return a.weight() },
			Executor:      inline,
		}),
		vary: otter.Must(&otter.Options[key, []string]{
			MaximumSize: 16 << 10,
			Executor:    inline,
		}),
		maxAnswer: maxBytes / 16,
		maxFills:  maxBytes,
		flights:   make(map[key]*flight),
	}
}

// Answer is a stored answer. It must not be changed.
type Answer struct {
	Status int
	Header http.Header // end-to-end fields as they came, without Age
	Body   []byte

	stored time.Time
	age    time.Duration // when it was stored
	fresh  time.Duration // from then on
}

// Age is how old the answer is (RFC 9111 section 5.1), in whole seconds.
func (a *Answer) Age() time.Duration {
	return (a.age + time.Since(a.stored)).Truncate(time.Second)
}

func (a *Answer) left() time.Duration { return a.fresh - time.Since(a.stored) }

// weight is about what the answer takes in memory, in bytes.
func (a *Answer) weight() uint32 {
	n := 512 + len(a.Body)
	for name, values := range a.Header {
		n += 64 + len(name)
		for _, v := range values {
			n += 16 + len(v)
		}
	}
	return uint32(n)
}
