package shadow

import (
	"cmp"
	"context"
	"log/slog"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quackproxy/quack/routes"
	"github.com/quackproxy/quack/upstream"
)

// proofs keeps, for each instance of the backends with rollback, whether it
// has proved that it rolls back.
type proofs struct {
	cfg   Config
	every time.Duration
	log   *slog.Logger
	known atomic.Pointer[map[proofKey]*proof] // replaced as a whole, by run's goroutine alone
	poke  chan struct{}                       // holds one: run has something to look at
}

// proofKey names an instance. It is made of fields that are at hand, so that a
// look-up on the path of a request allocates nothing.
type proofKey struct{ backend, scheme, host string }

func keyOf(backend string, u *url.URL) proofKey { return proofKey{backend, u.Scheme, u.Host} }

func newProofs(c Config) *proofs {
	p := &proofs{cfg: c, every: c.ProofEvery, log: c.Log, poke: make(chan struct{}, 1)}
	p.known.Store(&map[proofKey]*proof{})
	return p
}

// proof is what is known of one instance.
type proof struct {
	key   proofKey
	state atomic.Pointer[Proof] // as it is shown; never nil

	prepares atomic.Bool // the last hello said that it takes ModePrepare

	mu      sync.Mutex
	doubted bool          // asked anew, whatever the hello under way says
	asking  bool          // a round of hellos is under way
	asked   time.Time     // when the last one began
	doubts  time.Time     // when the last one began that a doubt asked for
	due     time.Time     // of the next
	retry   time.Duration // after which an instance that gave no answer is asked again
	answers history
}

// proved reports whether i has proved that it rolls back, and not too long ago.
func (p *proofs) proved(b *routes.Backend, i *upstream.Instance, now time.Time) bool {
	if !b.RollsBack() {
		return false
	}
	known := (*p.known.Load())[keyOf(b.Name, i.URL)]
	if known == nil {
		return false
	}
	state := known.state.Load()
	return state.Proved && now.Sub(state.At) < p.validity()
}

// validity is how long a proof holds without being renewed.
func (p *proofs) validity() time.Duration { return 3 * p.every }

// doubt withdraws the proof of i until it has answered another hello: what
// stands behind the URL now may be another process.
func (p *proofs) doubt(backend string, i *upstream.Instance, why string) {
	known := (*p.known.Load())[keyOf(backend, i.URL)]
	if known == nil {
		return
	}
	known.mu.Lock()
	known.doubted = true
	known.withdraw("in doubt, asked again: " + why)
	known.mu.Unlock()
	p.wake()
}

// withdraw makes the proof invalid; k.mu is held.
func (k *proof) withdraw(why string) {
	state := *k.state.Load()
	state.Proved, state.Detail = false, why
	k.state.Store(&state)
}

// wake makes run look at the table and at what is due.
func (p *proofs) wake() {
	select {
	case p.poke <- struct{}{}:
	default: // run has not looked yet, and will see this with the other
	}
}

func (p *proofs) list() []Proof {
	list := []Proof{}
	for _, k := range *p.known.Load() {
		state := *k.state.Load()
		if state.Proved && time.Since(state.At) >= p.validity() {
			state.Proved, state.Detail = false, "not renewed in time"
		}
		list = append(list, state)
	}
	slices.SortFunc(list, func(a, b Proof) int {
		return cmp.Or(cmp.Compare(a.Backend, b.Backend), cmp.Compare(a.URL, b.URL))
	})
	return list
}

// lookEvery is how often run looks at the table without being told.
const lookEvery = time.Second

// run asks each instance for its proof when it is due, until ctx ends. It
// returns when no hello is under way.
func (p *proofs) run(ctx context.Context) {
	var hellos sync.WaitGroup
	defer hellos.Wait()
	for {
		p.follow()
		next := lookEvery
		for _, k := range *p.known.Load() {
			backend, instance := p.instance(k.key)
			wait, ask := k.begin(time.Now(), p.every, instance != nil)
			if ask {
				hellos.Go(func() { p.ask(ctx, k, backend, instance) })
			}
			next = min(next, wait)
		}
		timer := time.NewTimer(next)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-p.poke:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// follow makes known hold the instances of the table in force: new ones
// unproved, those that stayed as they were.
func (p *proofs) follow() {
	before := *p.known.Load()
	now := make(map[proofKey]*proof)
	changed := false
	for _, b := range p.cfg.Table().Backends() {
		if !b.RollsBack() {
			continue
		}
		for _, u := range prover(b).URLs {
			key := keyOf(b.Name, u)
			if now[key] = before[key]; now[key] == nil {
				now[key] = newProof(key)
				changed = true
			}
		}
	}
	if changed || len(now) != len(before) {
		p.known.Store(&now)
	}
}

func newProof(key proofKey) *proof {
	k := &proof{key: key}
	k.state.Store(&Proof{Backend: key.backend, URL: key.scheme + "://" + key.host, Detail: "not asked yet"})
	return k
}

// instance is where hellos to an instance go, and whose it is; nil when it has
// no connections.
func (p *proofs) instance(key proofKey) (*routes.Backend, *upstream.Instance) {
	for _, backend := range p.cfg.Table().Backends() {
		if backend.Name != key.backend {
			continue
		}
		conns := p.cfg.Backend(prover(backend))
		if conns == nil {
			return nil, nil
		}
		for _, i := range conns.Instances() {
			if keyOf(key.backend, i.URL) == key {
				return backend, i
			}
		}
	}
	return nil, nil
}

// begin decides whether a hello starts now, and else in how long to look again.
// An instance in doubt is asked at once, but for one that is put in doubt again
// and again: that one 20 times as often as one that is not, at most.
func (k *proof) begin(now time.Time, every time.Duration, reachable bool) (wait time.Duration, ask bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.asking || !reachable {
		return lookEvery, false
	}
	due := k.due
	if k.doubted {
		due = k.doubts.Add(every / 20)
	}
	if wait = due.Sub(now); wait > 0 {
		return wait, false
	}
	if k.doubted {
		k.doubts = now
	}
	k.asking, k.doubted, k.asked = true, false, now
	return lookEvery, true
}

// conclude takes what the hellos of one round found. An instance that gave no
// answer may just be starting: it is asked again after a tenth of every, then
// after twice as long each time, up to every.
func (k *proof) conclude(found []hello, every time.Duration, log *slog.Logger) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asking = false
	was, last := k.state.Load(), found[len(found)-1]
	for _, h := range found {
		k.answers.add(h.kind)
	}
	state := Proof{Backend: was.Backend, URL: was.URL, At: time.Now(), Detail: last.detail}
	k.prepares.Store(last.prepares)
	switch {
	case k.answers.mixed():
		state.Detail = "instances with and without the adapter behind one URL"
	case last.kind == helloReady:
		state.Proved, state.Detail = true, ""
	}
	if last.kind == helloSilent {
		k.retry = min(max(2*k.retry, every/10), every)
		k.due = k.asked.Add(k.retry)
	} else {
		k.retry = 0
		k.due = k.asked.Add(every)
	}
	if k.doubted {
		state.Proved, state.Detail = false, was.Detail
	}
	k.state.Store(&state)
	if state.Proved == was.Proved && state.Detail == was.Detail {
		return
	}
	if state.Proved {
		log.Info("instance has proved that it rolls back", "backend", state.Backend, "url", state.URL)
	} else {
		log.Warn("instance has not proved that it rolls back: unsafe requests are not shadowed to it",
			"backend", state.Backend, "url", state.URL, "why", state.Detail)
	}
}
