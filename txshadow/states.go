package txshadow

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
)

// SQLSTATEs that we act on.
const (
	stateCancelled   = "57014"
	stateNoTx        = "25P01" // also the code of the notice for a ROLLBACK without a transaction
	stateNoSavepoint = "3B001"
	stateReadOnly    = "25006"
	stateLock        = "55P03"
	stateNoSchema    = "3F000"
	stateNoTable     = "42P01"
	stateNoRight     = "42501"
	stateNoObject    = "42704"
	stateBusy        = "55000"
	stateProcedure   = "2D000" // COMMIT or ROLLBACK in a procedure, which is not called by itself here
)

// sqlState is the SQLSTATE of err, "" when it is none of the server's.
func sqlState(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// literal quotes s for SQL whatever standard_conforming_strings says. s has no
// NUL.
func literal(s string) string {
	quoted := []byte{' ', 'E', '\''}
	for i := range len(s) {
		if s[i] == '\'' || s[i] == '\\' {
			quoted = append(quoted, '\\')
		}
		quoted = append(quoted, s[i])
	}
	return string(append(quoted, '\''))
}
