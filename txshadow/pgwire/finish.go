package pgwire

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/quackproxy/quack/txshadow"
	"github.com/quackproxy/quack/txshadow/internal/catalog"
)

// What is asked of a session around its shadows.
const (
	xidSQL    = "SELECT pg_catalog.txid_current_if_assigned()"
	unlockSQL = "SELECT pg_catalog.pg_advisory_unlock_all()"
	locksSQL  = `SELECT pg_catalog.count(*) FROM pg_catalog.pg_locks
		WHERE pid = pg_catalog.pg_backend_pid() AND locktype <> 'virtualxid' AND mode <> 'AccessShareLock'`
)

// finish rolls the transaction back. The turn is held.
func (l *Lane) finish(sh *shadow) Outcome {
	n := l.session
	if sh.armed == nil {
		return Outcome{RolledBack: true, Footprint: txshadow.Footprint{}}
	}
	if sh.tx != nil {
		sh.tx.owner.ghost.Store(true)
	}
	if n == nil || n.lost {
		return l.endFromOutside(sh, nil)
	}
	if n.status == 'I' && !l.cfg.layers.noWatch {
		l.escaped(sh, "unknown")
		return l.endFromOutside(sh, nil)
	}
	footprint := l.footprint(sh)
	n.noTx = false
	all, err := n.run("ROLLBACK", unlockSQL, locksSQL)
	if err != nil || n.status != 'I' {
		return l.endFromOutside(sh, fmt.Errorf("roll back: status %c: %w", n.status, err))
	}
	if n.noTx && !l.cfg.layers.noWatch {
		l.escaped(sh, "unknown")
		return l.endFromOutside(sh, nil)
	}
	if len(all) != 3 || all[2][0][0] != "0" {
		l.log.Warn("a lane's session has kept locks behind a shadow and is closed", "shadow", sh.ID)
		n.end()
	}
	return Outcome{RolledBack: true, Footprint: footprint, Statements: sh.serial}
}

// footprint is what the transaction has written; nil when that is not known.
func (l *Lane) footprint(sh *shadow) txshadow.Footprint {
	if sh.tx != nil && !sh.books.Lost { // never committed: the end of its connection would have rolled it back
		if _, err := l.session.back(sh, sh.tx.mark); err != nil {
			return nil
		}
	}
	if l.session.status != 'T' {
		return nil
	}
	all, err := l.session.run(xidSQL, catalog.Counts)
	if err != nil || len(all) != 2 {
		return nil
	}
	if all[0][0][0] != sh.armed.xid && sh.armed.xid != "" && !l.cfg.layers.noWatch {
		l.escaped(sh, "chain")
		return nil
	}
	sh.readBooks(all[1])
	if sh.books.Lost || !sh.armed.counting {
		return nil
	}
	return txshadow.FootprintOf(sh.books.Written())
}

// escaped is called when the transaction has ended behind our back. The session
// is closed at once, and the lane takes nothing more.
func (l *Lane) escaped(sh *shadow, verb string) {
	reason := "escape:" + verb
	sh.note(reason)
	l.log.Error("the transaction of a shadow request has ended: something may have been written\n"+
		"  compare the tables of this request with what live requests have written, then release the lane", "shadow", sh.ID, "reason", reason)
	if l.session != nil {
		l.session.end()
	}
	l.mu.Lock()
	l.quarantine = reason
	l.mu.Unlock()
	if l.cfg.Alarm != nil {
		l.cfg.Alarm(sh.ID, reason)
	}
}

// goneTimeout is how long the end of a session is looked for.
const goneTimeout = 2 * time.Second

// endFromOutside ends the session by another one, when its own connection can
// not be used, and looks whether it is gone.
func (l *Lane) endFromOutside(sh *shadow, why error) Outcome {
	if why != nil {
		l.log.Warn("a lane's session is ended from outside", "shadow", sh.ID, "why", why)
	} else {
		sh.note("unsupported:session-lost")
	}
	l.mu.Lock()
	victim := sh.armed
	l.mu.Unlock()
	if victim == nil {
		return Outcome{RolledBack: true}
	}
	if err := l.server.gone(victim.who); err != nil {
		l.log.Error("the end of a shadow's transaction can not be confirmed", "shadow", sh.ID, "err", err)
		return Outcome{Unreachable: errors.Is(err, errUnreachable)}
	}
	return Outcome{RolledBack: true}
}

// goneRetry is how long after one that failed a session's end is looked for again.
const goneRetry = 50 * time.Millisecond

var (
	// errUnreachable says that there is no server to ask.
	errUnreachable = errors.New("the server can not be asked")
	// errOtherServer says that what answers is not the server that had the
	// session: it has restarted, or a standby has taken its place.
	errOtherServer = fmt.Errorf("this is another server: %w", errUnreachable)
)

// gone ends a session and returns when the server has it no more. A server that
// is away is asked again: sessions do not survive that, but it has to say so.
func (s *Server) gone(who catalog.Session) error {
	ctx, cancel := context.WithTimeout(context.Background(), goneTimeout)
	defer cancel()
	for {
		err := s.goneNow(ctx, who)
		if err == nil || errors.Is(err, errOtherServer) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(goneRetry):
		}
	}
}

// goneNow is one attempt of gone.
func (s *Server) goneNow(ctx context.Context, who catalog.Session) (err error) {
	conn, err := pgconn.ConnectConfig(ctx, s.upstream.Copy())
	if err != nil {
		return fmt.Errorf("look for the session %s: %w: %w", who.PID, errUnreachable, err)
	}
	defer func() {
		if err != nil && conn.IsClosed() {
			err = fmt.Errorf("%w: %w", errUnreachable, err)
		}
		conn.Close(ctx)
	}()
	if _, err := conn.Exec(ctx, who.End()).ReadAll(); err != nil {
		return fmt.Errorf("end the session %s: %w", who.PID, err)
	}
	for {
		all, err := conn.Exec(ctx, who.Find()).ReadAll()
		if err != nil || len(all) != 1 || len(all[0].Rows) != 1 {
			return fmt.Errorf("look for the session %s: %w", who.PID, err)
		}
		if row := all[0].Rows[0]; string(row[0]) != who.Server {
			return fmt.Errorf("look for the session %s: %w", who.PID, errOtherServer)
		} else if string(row[1]) == "0" {
			return nil
		}
		time.Sleep(2 * time.Millisecond)
	}
}
