package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	clients = 6
	// The schema makes accounts 1 to still + clients × each. The first are
	// only read, the rest are only changed, each by one client: what is
	// changed while it is read differs without anybody's fault, and the
	// self-check is to be the same in every run.
	still = 12
	each  = 2
)

// unrouted stands for requests that no route in the file matches.
const unrouted = "(default)"

// traffic sends requests through the proxy and keeps count of what came of
// them, from the answers alone.
type traffic struct {
	proxy string // URL
	http  *http.Client

	mu    sync.Mutex
	made  stock          // what the answers say has been added
	sent  map[string]int // requests by name of their route; "(default)" for the rest
	wrong []string       // answers that are not as they should be
}

func newTraffic(proxy string) *traffic {
	return &traffic{
		proxy: proxy,
		http:  &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: clients}},
		sent:  map[string]int{},
	}
}

func (t *traffic) close() error {
	t.http.CloseIdleConnections()
	return nil
}

// client is one who uses the shop. Its choices are the same in every run.
type client struct {
	*traffic
	number int
	rand   *rand.Rand
	mails  int // accounts made so far
}

func (t *traffic) client(n int) *client {
	return &client{traffic: t, number: n, rand: rand.New(rand.NewPCG(2015, uint64(n)))}
}

// own is one of the accounts that the client alone changes.
func (c *client) own() int { return still + c.number*each + 1 + c.rand.IntN(each) }

// any is one of the accounts that nobody changes.
func (c *client) any() int { return 1 + c.rand.IntN(still) }

// act is one thing that a client does: one request.
type act func(ctx context.Context, c *client)

// acts are what a client does, and how often in one round.
var acts = []struct {
	times int
	do    act
}{
	{1, page("/")},
	{1, page("/products")},
	{1, page("/products/2")},
	{2, order},
	{5, list},
	{8, read("accounts.show", "")},
	{8, read("accounts.profile", "/profile")},
	{8, read("accounts.statement", "/statement")},
	{5, read("accounts.activity", "/activity")},
	{1, readMissing},
	{5, search},
	{3, create},
	{1, createTwice},
	{2, createBadly},
	{4, update},
	{6, deposit},
}

// round has every client do everything, each in an order of its own, all at
// the same time.
func (t *traffic) round(ctx context.Context) {
	var wg sync.WaitGroup
	for n := range clients {
		wg.Go(func() { t.client(n).round(ctx) })
	}
	wg.Wait()
}

func (c *client) round(ctx context.Context) {
	var todo []act
	for _, a := range acts {
		for range a.times {
			todo = append(todo, a.do)
		}
	}
	c.rand.Shuffle(len(todo), func(i, j int) { todo[i], todo[j] = todo[j], todo[i] })
	for _, do := range todo {
		do(ctx, c)
		pause(ctx, time.Duration(5+c.rand.IntN(20))*time.Millisecond)
	}
}

// trickle keeps light traffic flowing until ctx ends, then closes done.
func (t *traffic) trickle(ctx context.Context, done chan<- struct{}) {
	defer close(done)
	c := t.client(0)
	c.mails = 1 << 20 // addresses that no round has used
	for ctx.Err() == nil {
		acts[c.rand.IntN(len(acts))].do(ctx, c)
		pause(ctx, time.Duration(200+c.rand.IntN(400))*time.Millisecond)
	}
}

// pause is the time that a person takes between two requests.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func page(path string) act {
	return func(ctx context.Context, c *client) { c.send(ctx, unrouted, "GET", path, nil, http.StatusOK) }
}

func read(route, rest string) act {
	return func(ctx context.Context, c *client) {
		c.send(ctx, route, "GET", fmt.Sprintf("/api/accounts/%d%s", c.any(), rest), nil, http.StatusOK)
	}
}

func readMissing(ctx context.Context, c *client) {
	c.send(ctx, "accounts.show", "GET", "/api/accounts/999999", nil, http.StatusNotFound)
}

func list(ctx context.Context, c *client) {
	c.send(ctx, "accounts.list", "GET", fmt.Sprintf("/api/accounts?after=%d", c.rand.IntN(3)), nil, http.StatusOK)
}

func search(ctx context.Context, c *client) {
	names := []string{"ada", "Grace", "ken", "nobody"} // of those that nobody changes
	c.send(ctx, "accounts.search", "POST", "/api/accounts/search", map[string]any{"q": names[c.rand.IntN(len(names))]}, http.StatusOK)
}

func order(ctx context.Context, c *client) {
	body := map[string]any{"account_id": c.any(), "product_id": 1 + c.rand.IntN(4), "quantity": 1 + c.rand.IntN(3)}
	if c.send(ctx, unrouted, "POST", "/orders", body, http.StatusCreated) {
		c.note(stock{Orders: 1})
	}
}

func create(ctx context.Context, c *client) {
	c.mails++
	body := map[string]any{"email": fmt.Sprintf("new%d-%d@example.com", c.number, c.mails), "name": "Newcomer", "tags": []string{"vip", "early"}}
	if c.send(ctx, "accounts.create", "POST", "/api/accounts", body, http.StatusCreated) {
		c.note(stock{Accounts: 1, Tags: 2, Audits: 1, Versions: 1})
	}
}

func createTwice(ctx context.Context, c *client) {
	body := map[string]any{"email": fmt.Sprintf("customer%d@example.com", c.any()), "name": "Again"}
	c.send(ctx, "accounts.create", "POST", "/api/accounts", body, http.StatusConflict)
}

func createBadly(ctx context.Context, c *client) {
	c.send(ctx, "accounts.create", "POST", "/api/accounts", map[string]any{"email": "nobody", "name": "Nobody"}, http.StatusBadRequest)
}

func update(ctx context.Context, c *client) {
	body := map[string]any{"name": fmt.Sprintf("Tony the %d.", 1+c.rand.IntN(99))}
	if c.send(ctx, "accounts.update", "PATCH", fmt.Sprintf("/api/accounts/%d", c.own()), body, http.StatusOK) {
		c.note(stock{Audits: 1, Versions: 1})
	}
}

func deposit(ctx context.Context, c *client) {
	cents := int64(1 + c.rand.IntN(50_000))
	body := map[string]any{"amount": cents, "note": "deposit"}
	if c.send(ctx, "accounts.deposit", "POST", fmt.Sprintf("/api/accounts/%d/deposits", c.own()), body, http.StatusCreated) {
		c.note(stock{Entries: 1, Audits: 1, Cents: cents})
	}
}

func (t *traffic) note(s stock) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.made = t.made.plus(s)
}

// send makes one request, counts it for its route, and reports whether the
// answer has the status that it should have.
func (c *client) send(ctx context.Context, route, method, path string, body any, want int) bool {
	got, answer, err := c.call(ctx, method, path, body)
	if err != nil && ctx.Err() != nil {
		return false // the demo is over
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent[route]++
	switch {
	case err != nil:
		c.wrong = append(c.wrong, fmt.Sprintf("%s %s: %v", method, path, err))
	case got != want:
		c.wrong = append(c.wrong, fmt.Sprintf("%s %s: status %d, not %d: %s", method, path, got, want, answer))
	}
	return err == nil && got == want
}

func (c *client) call(ctx context.Context, method, path string, body any) (status int, answer string, err error) {
	var sent io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return 0, "", err
		}
		sent = strings.NewReader(string(b))
	}
	req, err := http.NewRequestWithContext(ctx, method, c.proxy+path, sent)
	if err != nil {
		return 0, "", err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("X-User-Id", fmt.Sprintf("customer%d", c.any()))
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, strings.TrimSpace(string(b)), err
}

// counted is a copy of what has been counted so far.
func (t *traffic) counted() (made stock, sent map[string]int, wrong []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.made, maps.Clone(t.sent), slices.Clone(t.wrong)
}
