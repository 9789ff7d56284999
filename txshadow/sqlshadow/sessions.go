package sqlshadow

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"database/sql/driver"
)

// sessions makes dedicated sessions, each for one shadow, and keeps one ready.
type sessions struct {
	adapter   *Adapter
	connector driver.Connector

	mu      sync.Mutex
	spare   *session
	filling bool
}

const (
	connectTimeout = 5 * time.Second
	// spareAge is how old a spare may get: settings of roles and databases
	// change, and firewalls forget idle connections.
	spareAge = time.Minute
)

// take gives a session that nobody has used: the spare, or a new one. fresh
// says that it is not the spare.
func (p *sessions) take(ctx context.Context) (s *session, fresh bool, err error) {
	p.mu.Lock()
	s = p.spare
	p.spare = nil
	p.mu.Unlock()
	if s != nil && time.Since(s.opened) > spareAge {
		s.release()
		s = nil
	}
	if s != nil {
		return s, false, nil
	}
	s, err = p.open(ctx)
	return s, true, err
}

// refill makes a spare in the background, when there is none and none is being
// made.
func (p *sessions) refill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.spare == nil && !p.filling {
		p.filling = p.adapter.front.Go(p.fill)
	}
}

func (p *sessions) fill() {
	ctx, cancel := context.WithTimeout(context.Background(), connectTimeout)
	defer cancel()
	s, err := p.open(ctx)
	if err != nil {
		p.adapter.log.Warn("make a spare session for shadow writes", "err", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.spare, p.filling = s, false
}

func (p *sessions) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.spare != nil {
		p.spare.release()
		p.spare = nil
	}
}

// open connects, and makes the session fit for one shadow.
func (p *sessions) open(ctx context.Context) (*session, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	s, err := connect(ctx, p.connector)
	if err != nil {
		return nil, fmt.Errorf("open a session for a shadow: %w", err)
	}
	if err = p.adapter.control.pooled(ctx, s); err == nil {
		err = p.adapter.dialect.identify(ctx, s, p.adapter.layers)
	}
	if err != nil {
		s.release()
		return nil, fmt.Errorf("open a session for a shadow: %w%s", err, p.adapter.dialect.remedy(err))
	}
	return s, nil
}

func connect(ctx context.Context, c driver.Connector) (*session, error) {
	conn, err := c.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return newSession(conn), nil
}

// errPooled says that the belt can not be put on.
var errPooled = errors.New("a connection pooler stands before the database: one session is served by several processes\n" +
	"  a pooler would hand the session's settings on to live work; set Config.DirectConnector to the database itself")
