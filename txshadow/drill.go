package txshadow

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/quackproxy/quack/txshadow/internal/catalog"
)

// drill arms a session and, when it is a whole drill, tries to commit, as an
// application would that has got past the interception: the fuse has to refuse
// the commit, and the belt what is written after it.
func (a *Adapter) drill(ctx context.Context, whole bool) (reason string, err error) {
	defer a.sessions.Refill()
	s, err := a.armed(ctx, proofTimeout)
	if err != nil {
		return "", err
	}
	defer s.release()
	if err := a.judgeRows(ctx, s, whole); err != nil {
		return "", err
	}
	if whole {
		if err := s.drill(ctx); err != nil {
			return "", err
		}
	}
	if a.rows.why == "" {
		return ReasonPrepare, nil
	}
	return "", nil
}

func (s *session) drill(ctx context.Context) error {
	if _, err := s.control(ctx, "COMMIT"); sqlState(err) != catalog.StateFuse {
		return fmt.Errorf("the fuse did not refuse a COMMIT (%s)\n  install it anew: quack txshadow install", outcomeOf(err))
	}
	if st := s.conn.PgConn().TxStatus(); st != 'I' {
		return fmt.Errorf("after the fuse the session has status %c", st)
	}
	if _, err := s.control(ctx, "INSERT INTO txshadow.fuse (nonce) VALUES ('drill')"); sqlState(err) != catalog.StateReadOnly {
		return fmt.Errorf("the session did not refuse to write after its transaction (%s)", outcomeOf(err))
	}
	return nil
}

// rowsProof says whether the database gives rows. It belongs to who holds
// proof.mu.
type rowsProof struct {
	lifts string // why the last drill has not shown the fuse's lift, "" when it has
	why   string // why rows can not be read, "" when they can
}

// judgeRows finds out whether the database gives rows.
func (a *Adapter) judgeRows(ctx context.Context, s *session, whole bool) error {
	p := &a.rows
	why, err := a.incapable(ctx, s, whole)
	if err != nil {
		return err
	}
	if whole {
		p.lifts = why
	}
	if why == "" {
		why = p.lifts // as the last drill has found
	}
	if why != p.why {
		a.log.Info("what a shadow would have written is counted, and its rows are not read", "why", why)
	}
	if p.why = why; why == "" {
		a.noOrphans.Store(false)
		a.sweep()
	}
	return nil
}

func outcomeOf(err error) string {
	if err == nil {
		return "it was accepted"
	}
	return err.Error()
}

// armed is a session whose transaction can not commit.
func (a *Adapter) armed(ctx context.Context, budget time.Duration) (*session, error) {
	for attempt := 0; ; attempt++ {
		s, _, err := a.sessions.Take(ctx)
		if err != nil {
			return nil, err
		}
		err = s.arm(ctx, rand.Text(), budget, a.lockTimeout, a.layers)
		if err == nil {
			return s, nil
		}
		cut := s.conn.IsClosed()
		s.release()
		if attempt > 0 || !cut || ctx.Err() != nil {
			return nil, fmt.Errorf("arm a shadow's session: %w%s", err, catalog.Remedy(sqlState(err)))
		}
		// The spare had been cut off while it waited.
	}
}
