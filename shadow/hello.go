package shadow

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/quackproxy/quack/routes"
	"github.com/quackproxy/quack/upstream"
)

const (
	helloPath    = "/.well-known/quack/hello"
	helloTimeout = 2 * time.Second
	helloRound   = 3 // hellos to an instance that is not proved
)

// helloKind is what the answer to a hello says of the server.
type helloKind int

const (
	helloReady   helloKind = iota // it has the adapter, with our secret
	helloRefused                  // it answers, and not as the adapter does
	helloSilent                   // no answer of its own: says nothing of what it is
)

// hello is the answer to one hello.
type hello struct {
	kind     helloKind
	detail   string // why it is not ready
	prepares bool   // it is ready, and takes ModePrepare
}

// ask makes a round of hellos and takes what they found. Each hello goes over
// a connection of its own, so that a load balancer behind the URL may choose
// another server each time; an instance without proof gets several in a row,
// so that a server without the adapter shows before the first write.
func (p *proofs) ask(ctx context.Context, k *proof, b *routes.Backend, i *upstream.Instance) {
	defer p.wake()
	defer func() {
		if fault := recover(); fault != nil {
			p.log.Error("hello panicked", "url", k.state.Load().URL, "panic", fault, "stack", string(debug.Stack()))
			k.conclude([]hello{{kind: helloSilent, detail: fmt.Sprintf("hello panicked: %v", fault)}}, p.every, p.log)
		}
	}()
	round := helloRound
	if k.state.Load().Proved {
		round = 1
	}
	var found []hello
	for range round {
		h := p.prove(ctx, b, i)
		found = append(found, h)
		if h.kind == helloSilent {
			break
		}
	}
	if ctx.Err() == nil {
		k.conclude(found, p.every, p.log)
	}
}

// prove asks an instance once, in the way of its backend.
func (p *proofs) prove(ctx context.Context, b *routes.Backend, i *upstream.Instance) hello {
	if b.Rollback == routes.RollbackLanes {
		return p.inLane(ctx, b, i)
	}
	return prove(ctx, p.cfg.Protocol, b, i)
}

// Prove asks an instance once for its proof that it rolls back, in the way of
// its backend, for rollback: header and prefer; that of a lane has only the
// proxy that listens for it. why is "" when the instance has given it, and else
// has the next step on a second line where there is one.
func Prove(ctx context.Context, protocol Protocol, b *routes.Backend, i *upstream.Instance) (why string) {
	h := prove(ctx, protocol, b, i)
	if h.kind != helloReady && h.detail == "" {
		return "no proof"
	}
	return h.detail
}

func prove(ctx context.Context, protocol Protocol, b *routes.Backend, i *upstream.Instance) hello {
	switch b.Rollback {
	case routes.RollbackHeader:
		return sayHello(ctx, protocol, i)
	case routes.RollbackPrefer:
		return preferred(ctx, b, i)
	}
	return hello{kind: helloRefused, detail: "only the proxy that has its lane can ask it"}
}

// sayHello sends one signed hello to an instance.
func sayHello(ctx context.Context, protocol Protocol, i *upstream.Instance) hello {
	ctx, cancel := context.WithTimeout(ctx, helloTimeout)
	defer cancel()
	id := newID()
	h := make(http.Header)
	protocol.MarkShadow(h, id, ModeHello, 0, http.MethodGet, helloPath, nil)
	req, err := upstream.NewRequest(ctx, http.MethodGet, helloPath, "", false, i.URL.Host, h, nil, 0)
	if err != nil {
		return hello{kind: helloSilent, detail: fmt.Sprintf("make hello: %v", err)}
	}
	resp, err := i.RoundTrip(req, false)
	if err != nil {
		return hello{kind: helloSilent, detail: fmt.Sprintf("no answer to hello: %v", err)}
	}
	defer resp.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10)) // a body that breaks off changes nothing
	ack, err := protocol.Acknowledged(resp.Header, id)
	switch {
	case err != nil && fromBetween(resp.StatusCode):
		return hello{kind: helloSilent, detail: fmt.Sprintf("hello was answered with %d, by an adapter that is not ready or by something in between: %s", resp.StatusCode, firstLine(said))}
	case err != nil && resp.StatusCode == http.StatusForbidden:
		// An adapter that can not verify a request says why in its refusal.
		return hello{kind: helloRefused, detail: fmt.Sprintf("hello was refused: %s\n"+
			"  QUACK_SHADOW_SECRET has to be the same there and here (quack token shadow prints the one that is derived), and both clocks right", firstLine(said))}
	case err != nil:
		return hello{kind: helloRefused, detail: fmt.Sprintf("hello was answered with %d: %v", resp.StatusCode, err)}
	case resp.StatusCode != http.StatusNoContent || ack.Outcome != outcomeReady:
		return hello{kind: helloRefused, detail: fmt.Sprintf("hello was answered with %d, outcome %q, instead of 204, %q", resp.StatusCode, ack.Outcome, outcomeReady)}
	}
	return hello{kind: helloReady, prepares: ack.Reason == reasonPrepare}
}

// firstLine is the first line of a body, at most 200 bytes of it, quoted.
func firstLine(body []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(body)), "\n")
	return strconv.Quote(line[:min(len(line), 200)])
}

func newID() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// history is the answers to the last hellos, the newest last: true for ready.
// Hellos without an answer are not in it.
type history []bool

const historyLength = 6

func (h *history) add(k helloKind) {
	if k == helloSilent {
		return
	}
	*h = append(*h, k == helloReady)
	if len(*h) > historyLength {
		*h = (*h)[1:]
	}
}

// mixed reports whether the answers alternate: a server that has got or lost
// its adapter changes once, servers with and without it behind one URL change
// to and fro.
func (h history) mixed() bool {
	changes := 0
	for i := 1; i < len(h); i++ {
		if h[i] != h[i-1] {
			changes++
		}
	}
	return changes >= 2
}
