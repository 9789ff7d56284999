package cache

import (
	"context"
	"time"
)

// flight is one request on its way to the backend for those that wait.
type flight struct {
	done chan struct{} // closed when what follows stands

	landed  outcome
	answer  *Answer  // with outcome stored, as what follows
	names   []string // of the fields that select it
	variant key      // by the values of the request that went
}

// outcome says what those who waited do next.
type outcome int

const (
	unstorable outcome = iota // each goes to the backend itself
	stored                    // the answer serves whom it suits
	abandoned                 // one of them takes the place of the one who left
)

// tries bounds how often a request waits for others in turn.
const tries = 3

// Ask asks for a stored answer to req. When there is one it is returned. When
// another request is on its way for the same answer, Ask waits for it, until
// ctx ends, and returns its answer if that turns out storable and serves req.
// Else the caller goes to the backend; a Fill that is not nil is to be fed
// with the answer and closed (its methods do nothing on nil).
func (c *Cache) Ask(ctx context.Context, req Request, s Settings) (*Answer, *Fill) {
	if s.TTL <= 0 || !askable(req) {
		return nil, nil
	}
	asked := parseDirectives(req.Header["Cache-Control"])
	if asked.has("no-store") {
		return nil, nil
	}
	resource := req.resource()
	if asked.has("no-cache") || len(asked) == 0 && req.Header.Get("Pragma") == "no-cache" {
		return nil, &Fill{cache: c, request: req, settings: s, resource: resource} // is not served from the cache, and may refresh it
	}
	var limit <-chan time.Time // of all waiting together
	for range tries {
		k := req.variant(resource, c.selecting(resource))
		if a := c.fresh(k, asked); a != nil {
			return a, nil
		}
		f, first := c.join(k)
		if first {
			fill := &Fill{cache: c, request: req, settings: s, resource: resource, flight: f, key: k}
			if a := c.fresh(k, asked); a != nil { // stored between the look and the join
				fill.Close(true)
				return a, nil
			}
			return nil, fill
		}
		if limit == nil {
			limit = time.After(patience)
		}
		if !f.wait(ctx, limit) {
			return nil, nil
		}
		if f.landed == unstorable {
			return nil, nil
		}
		if a := f.forRequest(req, resource); a != nil {
			if a.suits(asked) {
				return a, nil // fetched while req waited, so even if it was fresh for less than that
			}
			return nil, nil
		}
	}
	return nil, nil
}

// wait reports whether the flight landed before the limit and ctx's end.
func (f *flight) wait(ctx context.Context, limit <-chan time.Time) bool {
	select {
	case <-f.done:
		return true
	case <-limit:
	case <-ctx.Done():
	}
	return false
}

// fresh is the stored answer if it may be served; nil when there is none.
func (c *Cache) fresh(k key, asked directives) *Answer {
	if a, ok := c.answers.GetIfPresent(k); ok && a.left() > 0 && a.suits(asked) {
		return a
	}
	return nil
}

// selecting are the fields that tell the resource's answers apart, as far as
// is known.
func (c *Cache) selecting(resource key) []string {
	if names, ok := c.vary.GetIfPresent(resource); ok {
		return names
	}
	return personal
}

// join enters the flight for k, or starts it (first).
func (c *Cache) join(k key) (f *flight, first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := c.flights[k]; f != nil {
		return f, false
	}
	f = &flight{done: make(chan struct{})}
	c.flights[k] = f
	return f, true
}

// forRequest is the flight's answer if req selects the same one as the request
// that went. The store may not have it any more.
func (f *flight) forRequest(req Request, resource key) *Answer {
	if f.landed != stored || req.variant(resource, f.names) != f.variant {
		return nil
	}
	return f.answer
}

// suits reports whether the answer is as fresh as was asked for (RFC 9111
// section 5.2.1).
func (a *Answer) suits(asked directives) bool {
	if limit, ok := asked.seconds("max-age"); ok && a.Age() > limit {
		return false
	}
	least, ok := asked.seconds("min-fresh")
	return !ok || a.left() >= least
}
