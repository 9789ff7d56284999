package pgwire

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
)

// SQLSTATEs of our own. PostgreSQL and the SQL standard have no class QL.
const (
	StateUnsupported = "QL001" // a shadow can not give it, or could not take it back
	StateBackground  = "QL002" // a write that belongs to no shadow
	StateOver        = "QL003" // the shadow has ended, by its budget mostly
	StateQuarantine  = "QL004" // the lane takes nothing until somebody has looked
	StateLaneLost    = "QL005" // the lane's session is gone, and a new one has none of its state
)

// SQLSTATEs of PostgreSQL that clients are given.
const (
	stateProtocol    = "08P01"
	stateUnreachable = "08001"
	stateFeature     = "0A000"
	stateActiveTx    = "25001"
	stateFailedTx    = "25P02"
	stateAuth        = "28000"
	statePassword    = "28P01"
	stateNoDatabase  = "3D000"
	stateTooMany     = "53300"
	stateShutdown    = "57P01"
)

// failure is an error as clients get it.
type failure struct {
	severity string // ERROR, FATAL or WARNING
	state    string
	text     string
	hint     string
}

func (f *failure) Error() string { return f.text + " (SQLSTATE " + f.state + ")" }

func fatal(state, format string, args ...any) *failure {
	return &failure{severity: "FATAL", state: state, text: fmt.Sprintf(format, args...)}
}

func plain(state, format string, args ...any) *failure {
	return &failure{severity: "ERROR", state: state, text: fmt.Sprintf(format, args...)}
}

func warning(state, text string) *failure {
	return &failure{severity: "WARNING", state: state, text: text}
}

func failedTx() *failure {
	return plain(stateFailedTx, "current transaction is aborted, commands ignored until end of transaction block")
}

func shadowOver() *failure {
	return plain(StateOver, "the shadow request is over, and so is its transaction")
}

func laneLost() *failure {
	return fatal(StateLaneLost, "the lane's session is gone, and with it what was prepared and set")
}

// frame is the ErrorResponse, or for a warning the NoticeResponse.
func (f *failure) frame() frame {
	kind := byte('E')
	if f.severity == "WARNING" {
		kind = 'N'
	}
	parts := []any{byte('S'), f.severity, byte('V'), f.severity, byte('C'), f.state, byte('M'), f.text}
	if f.hint != "" {
		parts = append(parts, byte('H'), f.hint)
	}
	return message(kind, append(parts, byte(0))...)
}

// asFailure is what a client is told of err. What a server said when it was
// connected to is passed on, but for its view of our own login: that is the
// operator's matter.
func asFailure(err error) *failure {
	var f *failure
	if errors.As(err, &f) {
		return f
	}
	var e *pgconn.PgError
	if errors.As(err, &e) && e.Code[:min(2, len(e.Code))] != "28" {
		return &failure{severity: "FATAL", state: e.Code, text: e.Message, hint: e.Hint}
	}
	return fatal(stateUnreachable, "the wire proxy can not reach its database; its log says why")
}

// isTransient reports whether accepting goes on after a while.
func isTransient(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ECONNABORTED) || errors.Is(err, syscall.ENOBUFS)
}
