package txshadow_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/quackproxy/quack/txshadow"
)

// An application tells its own time-out from others by the error.
func TestTheErrorOfADeadlineIsThatOfPgx(t *testing.T) {
	s := serve(t, func(s *service, w http.ResponseWriter, r *http.Request) {
		for _, limited := range []func(context.Context) (context.Context, context.CancelFunc){
			func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeout(ctx, 50*time.Millisecond)
			},
			func(ctx context.Context) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancel(ctx)
				time.AfterFunc(50*time.Millisecond, cancel)
				return ctx, cancel
			},
		} {
			ctx, cancel := limited(r.Context())
			_, err := s.db.Exec(ctx, "SELECT pg_sleep(20)")
			cancel()
			var server *pgconn.PgError
			fmt.Fprintln(w, err, pgconn.Timeout(err), pgconn.SafeToRetry(err), errors.As(err, &server),
				errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled))
		}
	})
	live := s.do(must(http.NewRequest("POST", s.url+"/", nil)))
	if out := s.shadow("/"); out.body != live.body || !strings.Contains(live.body, "true") {
		t.Errorf("live: %sshadow: %s", live.body, out.body)
	}
}

// Rows have a connection, if only for its types.
func TestRowsHaveTypes(t *testing.T) {
	s := serve(t, func(s *service, w http.ResponseWriter, r *http.Request) {
		rows := must(s.db.Query(r.Context(), "SELECT 1"))
		defer rows.Close()
		_, known := rows.Conn().TypeMap().TypeForName("mood")
		_, err := rows.Conn().Exec(r.Context(), insert)
		fmt.Fprint(w, known, err != nil)
	}, withPool(func(c *pgxpool.Config) {
		c.AfterConnect = func(_ context.Context, conn *pgx.Conn) error {
			conn.TypeMap().RegisterType(&pgtype.Type{Name: "mood", OID: 99999, Codec: pgtype.TextCodec{}})
			return nil
		}
	}))
	if out := s.shadow("/"); out.body != "true true" || out.ack.Reason != "unsupported:conn" || s.rows() != 0 {
		t.Errorf("%+v", out)
	}
}

func TestDeadlinesOfAnAnswerDoNothing(t *testing.T) {
	s := serve(t, func(s *service, w http.ResponseWriter, r *http.Request) {
		c := http.NewResponseController(w)
		at := time.Now().Add(time.Minute)
		fmt.Fprint(w, c.SetReadDeadline(at), c.SetWriteDeadline(at), c.EnableFullDuplex(), c.Flush())
	})
	if out := s.shadow("/"); strings.Trim(out.body, "<nil> ") != "" || out.status != http.StatusOK || out.ack.Reason != "" {
		t.Errorf("%+v", out)
	}
}

// What AfterConnect opens, BeforeClose closes.
func TestTheHookOfClosingIsCalled(t *testing.T) {
	var opened, closed, usable atomic.Int32
	s := serve(t, func(s *service, w http.ResponseWriter, r *http.Request) { s.db.Exec(r.Context(), insert) }, withPool(func(c *pgxpool.Config) {
		c.AfterConnect = func(context.Context, *pgx.Conn) error { opened.Add(1); return nil }
		c.BeforeClose = func(conn *pgx.Conn) {
			closed.Add(1)
			if conn.Ping(context.Background()) == nil {
				usable.Add(1)
			}
		}
	}))
	for range 3 {
		s.shadow("/")
	}
	s.must(s.adapter.Close(t.Context()))
	s.pool.Close()
	if opened.Load() < 3 || closed.Load() != opened.Load() || usable.Load() != opened.Load() {
		t.Errorf("%d opened, %d closed, %d of them usable", opened.Load(), closed.Load(), usable.Load())
	}
}

func TestNothingPrintsTheSecret(t *testing.T) {
	config := txshadow.Config{Secret: secret, DirectDSN: "postgres://u:" + secret + "@h/d"}
	codec := must(txshadow.NewCodec(must(txshadow.ParseSecrets(secret))...))
	s := serve(t, func(*service, http.ResponseWriter, *http.Request) {})
	for _, v := range []any{config, &config, *codec, codec, struct{ c txshadow.Codec }{*codec}, must(txshadow.ParseSecrets(secret)), s.adapter} {
		for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
			if out := fmt.Sprintf(format, v); strings.Contains(out, secret) {
				t.Errorf("%s of a %T: %s", format, v, out)
			}
		}
	}
}
