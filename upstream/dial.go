package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"
)

// NotSent reports whether a call failed because no connection could be
// established (refused, timed out, no such host, TLS handshake), or was closed
// before anything was sent: nothing of the request has arrived, and its body was
// not read, only closed. Where a kept connection was closed under the request
// before, an idempotent one may have arrived over that, and is free to be sent
// again anyway; of an unsafe one, and where the connection was made and closed, a
// small body may have been read.
func NotSent(err error) bool {
	var d dialError
	return errors.As(err, &d)
}

// dialError is that a connection could not be established, or was gone before it
// was used.
type dialError struct{ error }

func (e dialError) Unwrap() error { return e.error }

// maxAbandoned is how many dials to an instance go on without a call. Each has
// a file open, and there is no end to the calls that a client can break off.
const maxAbandoned = 16

// dials are the dials under way that no call waits for any more.
type dials struct {
	mu        sync.Mutex
	abandoned map[*dialing]bool
}

// dialing is one dial. It goes on without the call that asked for it: only its
// own timeout says something of the instance, and a call may well have less
// patience than that.
type dialing struct {
	breakOff context.CancelFunc
	done     chan struct{} // closed when what follows is set
	conn     *conn
	err      error
}

// dial establishes a connection, as long as ctx and w allow.
func (i *Instance) dial(ctx context.Context, w wait) (*conn, error) {
	own, breakOff := context.WithCancel(context.Background())
	d := &dialing{breakOff: breakOff, done: make(chan struct{})}
	i.helpers.start(func() { i.establish(own, d) })
	over, stop := w.timer()
	defer stop()
	select {
	case <-d.done:
		return d.conn, d.err
	case <-over:
		i.abandon(d)
		return nil, ErrHeadTimeout
	case <-ctx.Done():
		i.abandon(d)
		return nil, context.Cause(ctx)
	}
}

// establish is one dial, TLS included. The instance learns of the outcome.
func (i *Instance) establish(ctx context.Context, d *dialing) {
	defer d.breakOff()
	before := i.rest.Load()
	d.conn, d.err = i.connect(ctx)
	if d.err != nil {
		if ctx.Err() == nil {
			i.unreachable(before, time.Now())
		}
		d.err = dialError{d.err}
	} else {
		i.reached()
	}
	i.dials.mu.Lock()
	defer i.dials.mu.Unlock()
	close(d.done)
	if i.dials.abandoned[d] {
		delete(i.dials.abandoned, d)
		i.keepUnused(d)
	}
}

// abandon leaves the dial to itself.
func (i *Instance) abandon(d *dialing) {
	i.dials.mu.Lock()
	defer i.dials.mu.Unlock()
	select {
	case <-d.done:
		i.keepUnused(d)
		return
	default:
	}
	if i.dials.abandoned == nil {
		i.dials.abandoned = make(map[*dialing]bool)
	}
	if i.retired.Load() || len(i.dials.abandoned) >= maxAbandoned {
		d.breakOff()
	}
	i.dials.abandoned[d] = true
}

// keepUnused keeps the connection of a dial that nobody waited for.
func (i *Instance) keepUnused(d *dialing) {
	if d.conn != nil {
		i.idle.put(i, d.conn, time.Now())
	}
}

// breakOff ends all dials that no call waits for.
func (ds *dials) breakOff() {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	for d := range ds.abandoned {
		d.breakOff()
	}
}

func (i *Instance) connect(ctx context.Context) (*conn, error) {
	dialer := net.Dialer{Timeout: i.options.DialTimeout}
	tcp, err := dialer.DialContext(ctx, "tcp", i.addr)
	if err != nil {
		return nil, err
	}
	w := newWire(tcp)
	if i.URL.Scheme != "https" {
		return newConn(w, w), nil
	}
	over, err := secure(ctx, w, i.tls, i.options.DialTimeout)
	if err != nil {
		return nil, err
	}
	return newConn(w, over), nil
}

// secure is conn under TLS; conn is closed when that fails.
func secure(ctx context.Context, conn net.Conn, config *tls.Config, within time.Duration) (*tls.Conn, error) {
	over := tls.Client(conn, config)
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	if err := over.HandshakeContext(ctx); err != nil {
		_ = conn.Close() // the handshake's error says more
		return nil, err
	}
	return over, nil
}
