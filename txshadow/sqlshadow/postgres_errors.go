package sqlshadow

import (
	"errors"
	"io"
	"net"
	"reflect"

	"github.com/quackproxy/quack/txshadow/internal/catalog"
)

func who(s *session) catalog.Session {
	return catalog.Session{PID: s.id, Started: s.started, Server: s.server}
}

func (postgres) cancels(s *session) string { return who(s).Cancel() }

func (postgres) ends(s *session) string { return who(s).End() }

func (postgres) finds(s *session) string { return who(s).Find() }

// stateOf is the SQLSTATE of err, "" when it is none of the server's.
func stateOf(err error) string {
	var e interface{ SQLState() string }
	if errors.As(err, &e) {
		return e.SQLState()
	}
	return ""
}

func (postgres) kind(err error) errorKind {
	if err == nil {
		return otherError
	}
	switch st := stateOf(err); st {
	case "":
		if cutOff(err) {
			return sessionGone
		}
	case catalog.StateCancelled:
		return cancelledStatement
	case catalog.StateNoTx:
		return noTransaction
	case catalog.StateNoSavepoint:
		return noSavepoint
	case "25P02":
		return failedTransaction
	case catalog.StateFuse:
		return fuseBlown
	case catalog.StateReadOnly:
		return readOnly
	case catalog.StateLock: // not NOWAIT, with which the application itself asked for it
		if routine, ok := field(err, "Routine"); !ok || routine.Kind() != reflect.String || routine.String() == "ProcessInterrupts" {
			return lockTimeout
		}
	case "57P01", "57P02", "57P03", "57P05", "25P03":
		return sessionGone
	}
	return otherError
}

// cutOff says that err is of the connection.
func cutOff(err error) bool {
	var op *net.OpError
	return ofConnection(err) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || errors.As(err, &op)
}

func (postgres) ofServer(err error) bool { return stateOf(err) != "" }

func (postgres) aborts(err error) bool { return stateOf(err) != "" }

func (postgres) remedy(err error) string { return catalog.Remedy(stateOf(err)) }
