package sqlshadow

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// control is a session of the adapter's own by which statements of shadows are
// cancelled, and their sessions ended: drivers would close the connection of a
// shadow in place of cancelling what it runs.
type control struct {
	adapter   *Adapter
	connector driver.Connector

	mu sync.Mutex
	s  *session // nil until it is needed
}

const (
	// goneTimeout is how long the end of a session is looked for.
	goneTimeout = 2 * time.Second
	// cancelPatience is how long it is asked for.
	cancelPatience = time.Second
	// cancelEvery repeats a request that came before its statement had begun:
	// the server has ignored it then.
	cancelEvery = 25 * time.Millisecond
)

// errUnreachable says that there is no server to ask.
var errUnreachable = errors.New("the server can not be asked")

// do calls f with the session; once more with a new one when it had been cut
// off.
func (c *control) do(ctx context.Context, f func(ctx context.Context, s *session) error) (err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for range 2 {
		old := c.s != nil
		if !old {
			if c.s, err = connect(ctx, c.connector); err != nil {
				c.s = nil
				return fmt.Errorf("open the session that controls shadows: %w: %w", errUnreachable, err)
			}
		}
		if err = f(ctx, c.s); err == nil {
			return nil
		}
		c.s.release()
		c.s = nil
		if !old || errors.Is(err, errPooled) || ctx.Err() != nil {
			return err
		}
	}
	return err
}

func (c *control) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.s != nil {
		c.s.release()
		c.s = nil
	}
}

// rounds is how often pooled looks: live work on the pooler may hide it once.
const rounds = 10

// pooled is errPooled when s does not have a process of the server for itself.
// Where the driver shows what the login has announced, that is compared. Else
// two sessions are looked at in turn: while another one holds a transaction
// open, a pooler gives its process to no one else, and at other times it gives
// the same one to both.
func (c *control) pooled(ctx context.Context, s *session) error {
	own, err := s.row(ctx, "SELECT "+c.adapter.dialect.number())
	if err != nil {
		return fmt.Errorf("ask the session who it is: %w", err)
	}
	if pid := announced(s.conn); pid != "" {
		if pid != own[0] {
			return errPooled
		}
		return nil
	}
	return c.do(ctx, func(ctx context.Context, other *session) error {
		for range rounds {
			if err := c.inTurn(ctx, s, other, own[0]); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c *control) inTurn(ctx context.Context, s, other *session, own string) error {
	ask := "SELECT " + c.adapter.dialect.number()
	if err := other.exec(ctx, "BEGIN"); err != nil {
		return err
	}
	its, err := other.row(ctx, ask)
	if err != nil {
		return err
	}
	again, err := s.row(ctx, ask)
	if err != nil {
		return err
	}
	if err := other.exec(ctx, "ROLLBACK"); err != nil {
		return err
	}
	for range rand.N(4) { // a pooler that gives its processes in turn would keep step
		row, err := other.row(ctx, ask)
		if err != nil {
			return err
		}
		if row[0] == own {
			return errPooled
		}
	}
	after, err := s.row(ctx, ask)
	if err == nil && (its[0] == own || again[0] != own || after[0] != own) {
		err = errPooled
	}
	return err
}

// cancel asks the server to cancel what s runs.
func (c *control) cancel(ctx context.Context, s *session) error {
	return c.do(ctx, func(ctx context.Context, other *session) error {
		_, err := other.query(ctx, c.adapter.dialect.cancels(s))
		return err
	})
}

// gone ends a session from outside and returns when the server has it no more.
func (c *control) gone(s *session) error {
	ctx, cancel := context.WithTimeout(context.Background(), goneTimeout)
	defer cancel()
	return c.do(ctx, func(ctx context.Context, other *session) error {
		d := c.adapter.dialect
		for look := 0; ; look++ {
			row, err := other.row(ctx, d.finds(s))
			switch {
			case err != nil:
				return fmt.Errorf("look for the session %s: %w", s.id, err)
			case row[0] != s.server:
				return fmt.Errorf("look for the session %s: this is another server: %w", s.id, errUnreachable)
			case row[1] == "0":
				return nil
			case ctx.Err() != nil:
				return fmt.Errorf("the session %s does not end: %w", s.id, ctx.Err())
			case look == 0:
				other.query(ctx, d.ends(s)) // an error is met again: it is still there
			}
			time.Sleep(2 * time.Millisecond)
		}
	})
}

// sending runs f, which sends on the session. When own or ctx ends, the server
// is asked to cancel what f has sent.
func (t *transaction) sending(ctx, own context.Context, f func(ctx context.Context) error) error {
	if t.session.closed.Load() {
		return driver.ErrBadConn // seen as the session's end
	}
	run, end := t.session.during(ctx)
	defer end()
	both, cancel := context.WithCancel(own)
	defer cancel()
	stopApplication := context.AfterFunc(ctx, cancel)
	defer stopApplication()
	c := &canceller{control: &t.adapter.control, session: t.session, stop: make(chan struct{}), done: make(chan struct{})}
	stop := context.AfterFunc(both, c.run)
	err := f(run)
	close(c.stop)
	if !stop() { // it could hit the next statement otherwise
		<-c.done
	}
	return err
}

// canceller cancels one statement.
type canceller struct {
	control *control
	session *session
	stop    chan struct{} // closed when the statement is over
	done    chan struct{} // closed when no request is under way any more
}

func (c *canceller) run() {
	defer close(c.done)
	ctx, cancel := context.WithTimeout(context.Background(), cancelPatience)
	defer cancel()
	for {
		c.control.cancel(ctx, c.session) // an error is met again: the session is ended then
		select {
		case <-c.stop:
			return
		case <-ctx.Done():
			return
		case <-time.After(cancelEvery):
		}
	}
}
