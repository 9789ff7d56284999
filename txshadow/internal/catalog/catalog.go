// Package catalog is the SQL by which a PostgreSQL is asked about a shadow's
// transaction and its session, and what the answers mean. It is the same
// whatever library sends it.
package catalog

// SQLSTATEs that we act on.
const (
	StateCancelled   = "57014"
	StateNoTx        = "25P01" // also the code of the notice for a ROLLBACK without a transaction
	StateNoSavepoint = "3B001"
	StateReadOnly    = "25006"
	StateLock        = "55P03"
	StateNoSchema    = "3F000"
	StateNoTable     = "42P01"
	StateNoRight     = "42501"
	StateNoObject    = "42704"
	StateBusy        = "55000"
	StateRecovery    = "0A000" // for BEGIN READ WRITE: the server is a standby
	StateProcedure   = "2D000" // COMMIT or ROLLBACK in a procedure, which is not called by itself here

	// StateFuse is that with which the fuse refuses a commit. The SQL standard
	// keeps classes 0 to 4 and A to H for itself; PostgreSQL has none in Q.
	StateFuse = "QF001"
)

// Instant is SQL for a timestamptz as text that does not depend on settings,
// which hooks may have changed: DateStyle and TimeZone.
func Instant(expr string) string {
	return "pg_catalog.round(EXTRACT(epoch FROM " + expr + ")::numeric * 1000000)::bigint::text"
}

// Literal quotes s for SQL whatever standard_conforming_strings says. s has no
// NUL.
func Literal(s string) string {
	quoted := []byte{' ', 'E', '\''}
	for i := range len(s) {
		if s[i] == '\'' || s[i] == '\\' {
			quoted = append(quoted, '\\')
		}
		quoted = append(quoted, s[i])
	}
	return string(append(quoted, '\''))
}

// NameSuffix ends the application_name of sessions of shadows.
const NameSuffix = "quack-shadow"

// ShadowName is the application's name with our suffix, by which people and
// watchdogs find shadows in pg_stat_activity. PostgreSQL cuts at 63 bytes.
func ShadowName(application string) string {
	if application == "" {
		return NameSuffix
	}
	return application[:min(len(application), 63-1-len(NameSuffix))] + " " + NameSuffix
}
