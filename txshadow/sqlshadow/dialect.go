package sqlshadow

import (
	"context"
	"database/sql"
	"errors"
	"reflect"
	"time"

	"github.com/quackproxy/quack/txshadow/internal/ledger"
	"github.com/quackproxy/quack/txshadow/internal/sqltext"
)

// dialect is what differs between kinds of databases. Its functions that take
// a session send statements on it.
type dialect interface {
	// identify finds out who a fresh session is, makes it fit for one shadow,
	// and puts the belt on.
	identify(ctx context.Context, s *session, l layers) error
	// number is what the server calls the process that serves the session.
	number() string
	// open begins the transaction of a shadow with the savepoint root; for one
	// that writes, so that it can not commit.
	open(ctx context.Context, s *session, o opening) error
	// drill tries what an application would that has got past the
	// interception.
	drill(ctx context.Context, s *session) error

	// glance cuts SQL into statements; split does so with what the session's
	// settings say.
	glance(query string) []sqltext.Statement
	split(ctx context.Context, s *session, query string) ([]sqltext.Statement, error)
	// judge refuses more than the text shows.
	judge(ctx context.Context, t *transaction, st *sqltext.Statement, on *tx) error
	// instead is what to send in place of a statement.
	instead(ctx context.Context, t *transaction, st *sqltext.Statement) (instead string, ok bool, err error)

	fireDeferred(ctx context.Context, s *session) (fired bool, err error)
	// counts is what the transaction has written, nil when it can not be told.
	counts(ctx context.Context, s *session) (ledger.Counts, error)
	// still says whether the session is in the transaction that open has begun.
	still(ctx context.Context, s *session) (bool, error)
	// rollBack ends the transaction; rolledBack is nil when the server says that it
	// is rolled back.
	rollBack(ctx context.Context, s *session) error
	rolledBack(ctx context.Context, s *session) error
	readOnlyTx() string // makes a savepoint read-only; "" when nothing does
	same(l sql.IsolationLevel, usual string) bool

	// cancels, ends and finds are statements for another session: to cancel
	// what s runs, to end it, and one row with the start of the server and
	// whether s is there.
	cancels(s *session) string
	ends(s *session) string
	finds(s *session) string

	kind(err error) errorKind
	ofServer(err error) bool
	aborts(err error) bool // the whole transaction, until it is rolled back
	remedy(err error) string
}

// opening says how a transaction is opened.
type opening struct {
	nonce               string
	readOnly            bool
	budget, lockTimeout time.Duration
	layers              layers
}

// graceOfServer is how much later than us, at least, the server ends a
// statement or a transaction that is idle: it is for an adapter that has stopped
// running.
const (
	graceOfServer = 100 * time.Millisecond
	limitStep     = 50 * time.Millisecond
)

// errSerializable refuses shadows where SERIALIZABLE is the default.
var errSerializable = errors.New("the default isolation level is serializable: an open shadow would make live transactions fail or wait")

// field is a field of an error of a driver's own type, by its name: the types
// themselves are not known here.
func field(err error, name string) (v reflect.Value, ok bool) {
	for err != nil {
		v := reflect.ValueOf(err)
		if v.Kind() == reflect.Pointer {
			v = v.Elem()
		}
		if v.Kind() == reflect.Struct {
			if f := v.FieldByName(name); f.IsValid() {
				return f, true
			}
		}
		err = errors.Unwrap(err)
	}
	return v, false
}
