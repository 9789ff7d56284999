package txshadow

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
)

// canceller cancels the statement of a context that has ended on the server,
// so that the session goes on and can be rolled back. pgx's own handler waits
// 100 ms after the request; a shadow has no more than that to acknowledge in.
type canceller struct {
	conn *pgconn.PgConn
	stop chan struct{} // closed when the statement is over
	done chan struct{} // closed when no request is under way any more
}

func newCanceller(conn *pgconn.PgConn) ctxwatch.Handler { return &canceller{conn: conn} }

const (
	// cancelPatience is how long a cancelled statement may go on before the
	// connection is given up.
	cancelPatience = time.Second
	// cancelEvery repeats a request that came before its statement had begun:
	// the server has ignored it then.
	cancelEvery = 25 * time.Millisecond
)

// HandleCancel is called when the context of a statement has ended.
func (c *canceller) HandleCancel(context.Context) {
	c.stop, c.done = make(chan struct{}), make(chan struct{})
	deadline := time.Now().Add(cancelPatience)
	c.conn.Conn().SetDeadline(deadline)
	go c.cancel(deadline)
}

func (c *canceller) cancel(deadline time.Time) {
	defer close(c.done)
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	defer cancel()
	for {
		c.conn.CancelRequest(ctx) // an error is met again by the deadline
		select {
		case <-c.stop:
			return
		case <-ctx.Done():
			return
		case <-time.After(cancelEvery):
		}
	}
}

// HandleUnwatchAfterCancel is called when the statement is over. It waits for
// the request under way, which could hit the next statement otherwise.
func (c *canceller) HandleUnwatchAfterCancel() {
	close(c.stop)
	<-c.done
	c.conn.Conn().SetDeadline(time.Time{})
}
