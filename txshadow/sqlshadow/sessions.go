package sqlshadow

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/quackproxy/quack/txshadow/internal/spare"
)

// sessions makes dedicated sessions, each for one shadow, and keeps one ready.
type sessions struct {
	adapter   *Adapter
	connector driver.Connector

	spare.Spare[session]
}

func (p *sessions) init(a *Adapter, c driver.Connector) {
	p.adapter, p.connector = a, c
	p.Open, p.Close, p.Go, p.Log = p.open, (*session).release, a.front.Go, a.log
	p.Sound = func(*session) bool { return true } // drivers do not say
}

// open connects, and makes the session fit for one shadow.
func (p *sessions) open(ctx context.Context) (*session, error) {
	ctx, cancel := context.WithTimeout(ctx, spare.ConnectTimeout)
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
