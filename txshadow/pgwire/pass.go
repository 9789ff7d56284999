package pgwire

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/quackproxy/quack/internal/sockets"
)

// passage is a client with a session of its own. Bytes go through as they
// come; of each message only the header is looked at, to know whether the
// server has something to do.
type passage struct {
	client net.Conn
	server *upstream
	to     net.Conn // the server's connection

	mu         sync.Mutex
	owed       owed
	cancelling bool
	free       sync.Cond // on mu: cancelling is false again
}

const passBuffer = 32 << 10

// pass serves a client that has logged in.
func (s *Server) pass(ctx context.Context, conn net.Conn, h hello) {
	server, err := s.connect(ctx, h.params)
	if err != nil {
		s.turnAway(conn, asFailure(err))
		return
	}
	defer server.close()
	p := &passage{client: sockets.New(conn), server: server, to: sockets.New(server.conn)}
	p.free.L = &p.mu
	key := s.keys.add(h.version, p)
	defer s.keys.remove(key)
	if _, err := conn.Write(welcome(server.params, key)); err != nil {
		return
	}
	conn.SetDeadline(time.Time{})
	done := make(chan struct{})
	go func() { p.toClient(); close(done) }()
	p.toServer()
	server.close() // what a client leaves undone is rolled back by this
	<-done
}

// toServer copies from the client until either is gone. While a cancel request
// is on its way nothing new is begun.
func (p *passage) toServer() {
	buf := make([]byte, passBuffer)
	var stream headers
	for {
		n, err := p.client.Read(buf)
		if n > 0 {
			p.begin(&stream, buf[:n])
			if _, err := p.to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// begin notes what a chunk asks of the server. A stream that is no protocol is
// the server's to refuse.
func (p *passage) begin(stream *headers, chunk []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.cancelling {
		p.free.Wait()
	}
	stream.scan(chunk, p.owed.sent)
}

// toClient copies from the server until either is gone.
func (p *passage) toClient() {
	defer p.client.Close()
	defer p.server.close()
	buf := make([]byte, passBuffer)
	var stream headers
	for {
		n, err := p.to.Read(buf)
		if n > 0 {
			p.mu.Lock()
			stream.scan(buf[:n], p.owed.came)
			p.mu.Unlock()
			if _, err := p.client.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// cancel passes a cancel request on when a query is under way, and returns
// when the server has closed the request's socket: it has given the signal
// then, and a signal that comes between two queries is ignored.
func (p *passage) cancel(ctx context.Context) {
	p.mu.Lock()
	for p.cancelling {
		p.free.Wait()
	}
	if p.owed.none() {
		p.mu.Unlock()
		return
	}
	p.cancelling = true
	p.mu.Unlock()
	p.server.CancelRequest(ctx)
	p.mu.Lock()
	p.cancelling = false
	p.mu.Unlock()
	p.free.Broadcast()
}
