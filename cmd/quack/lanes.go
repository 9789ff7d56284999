package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"

	"github.com/quackproxy/quack/routes"
	"github.com/quackproxy/quack/shadow"
	"github.com/quackproxy/quack/txshadow"
	"github.com/quackproxy/quack/txshadow/pgwire"
)

// lanes plugs the wire proxy into the shadow: one listener for each lane of the
// table in force.
type lanes struct {
	table   func() *routes.Table
	latched func() bool // a leak waits for an operator
	log     *slog.Logger

	mu       sync.Mutex
	byListen map[string]*laneServer
	said     map[string]string // by where it listens: the fault that was said last
}

// laneServer is the wire proxy of one lane.
type laneServer struct {
	server *pgwire.Server
	dsn    string
	stop   context.CancelFunc
	ended  chan struct{}
	fault  error // why it does not serve; once ended
}

// run keeps the listeners until ctx ends, and returns when all are gone. An
// address that is taken, by the process before during a hand-over or by
// somebody else, is tried again each second.
func (l *lanes) run(ctx context.Context) error { return following(ctx, l.follow) }

// wanted are the DSNs of the table's lanes, by where they listen.
func (l *lanes) wanted() map[string]string {
	wanted := map[string]string{}
	for _, b := range l.table().Backends() {
		for _, lane := range b.Lanes {
			wanted[lane.Listen] = lanesDSN(b.Database, os.Getenv)
		}
	}
	return wanted
}

// follow starts what is wanted and not there, and stops what is there and not
// wanted.
func (l *lanes) follow(ctx context.Context, all *sync.WaitGroup) {
	wanted := l.wanted()
	l.mu.Lock()
	defer l.mu.Unlock()
	for listen, s := range l.byListen {
		dsn, still := wanted[listen]
		if !still || dsn != s.dsn {
			s.stop()
			delete(l.byListen, listen)
		} else if s.over() {
			delete(l.byListen, listen)
		}
	}
	for listen, dsn := range wanted {
		if l.byListen[listen] == nil {
			l.byListen[listen] = l.start(ctx, all, listen, dsn)
		}
	}
}

func (s *laneServer) over() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

// start listens and serves. What stops it is kept as its fault, and said once
// for as long as it stays the same. l.mu is held.
func (l *lanes) start(ctx context.Context, all *sync.WaitGroup, listen, dsn string) *laneServer {
	s := &laneServer{dsn: dsn, ended: make(chan struct{}), stop: func() {}}
	var ln net.Listener
	s.server, s.fault = pgwire.New(pgwire.Config{DSN: dsn, Log: l.log.With("lane", listen), Lane: &pgwire.LaneConfig{}})
	if s.fault == nil {
		ln, s.fault = net.Listen("tcp", listen)
	}
	if s.fault != nil {
		if l.said == nil {
			l.said = map[string]string{}
		}
		if l.said[listen] != s.fault.Error() {
			l.said[listen] = s.fault.Error()
			l.log.Error("a lane does not serve: writes are not shadowed in it", "lane", listen, "err", s.fault)
		}
		close(s.ended)
		return s
	}
	delete(l.said, listen)
	serving, stop := context.WithCancel(ctx)
	s.stop = stop
	all.Go(func() {
		defer close(s.ended)
		if s.fault = s.server.Serve(serving, ln); s.fault != nil && serving.Err() == nil {
			l.log.Error("a lane has stopped", "lane", listen, "err", s.fault)
		}
	})
	return s
}

// Open implements shadow.Lanes.
func (l *lanes) Open(ctx context.Context, listen string, s shadow.LaneShadow) (shadow.LaneOpen, error) {
	l.mu.Lock()
	there := l.byListen[listen]
	l.mu.Unlock()
	switch {
	case there == nil:
		return nil, fmt.Errorf("nothing serves the lane at %s yet", listen)
	case there.over() && there.fault != nil:
		return nil, fmt.Errorf("nothing serves the lane at %s: %w", listen, there.fault)
	case there.over():
		return nil, fmt.Errorf("nothing serves the lane at %s any more", listen)
	}
	mode := txshadow.ModeRollback
	if s.ReadOnly {
		mode = txshadow.ModeReadOnly
	}
	lane := there.server.Lane()
	asked := pgwire.Shadow{ID: s.ID, Mode: mode, Budget: s.Budget, Trace: s.Trace}
	err := lane.Open(ctx, asked)
	if errors.Is(err, pgwire.ErrQuarantine) && !l.latched() { // quack reset has been said
		lane.Release()
		err = lane.Open(ctx, asked)
	}
	if errors.Is(err, pgwire.ErrBusy) {
		return nil, shadow.ErrLaneBusy
	}
	if err != nil {
		return nil, err
	}
	return laneOpen{lane}, nil
}

type laneOpen struct{ lane *pgwire.Lane }

// Close implements shadow.LaneOpen.
func (o laneOpen) Close(ctx context.Context) (shadow.Ack, int, error) {
	out := o.lane.Close(ctx)
	if out.Unreachable {
		return shadow.Ack{}, 0, shadow.ErrLaneUnreachable
	}
	if !out.RolledBack {
		return shadow.Ack{}, 0, fmt.Errorf("the lane did not roll back: %s", out.Reason)
	}
	return shadow.Ack{Outcome: string(txshadow.RolledBack), Reason: out.Reason, Footprint: footprint(out.Footprint)}, out.Statements, nil
}

// lanesWithoutDSN is an error for the first backend whose lanes lead nowhere.
func lanesWithoutDSN(t *routes.Table, getenv func(string) string) error {
	for _, b := range t.Backends() {
		if b.Rollback == routes.RollbackLanes && lanesDSN(b.Database, getenv) == "" {
			return fmt.Errorf("backend %q has rollback: lanes, and %s is not set\n  put the DSN of database %s in it, with the role of the application: its lanes lead there", b.Name, lanesVariable(b.Database), b.Database)
		}
	}
	return nil
}
