package catalog

const backends, postmaster = " FROM pg_catalog.pg_stat_activity WHERE pid = ", "pg_catalog.pg_postmaster_start_time()"

// Session is the server's process for a connection, by which it is cancelled
// or ended from another one. A PID alone may be somebody else's by now, and a
// connection string may name several servers.
type Session struct {
	PID     string
	Started string // when, as Instant has it
	Server  string // likewise, when the server was started
}

// Who is a session's own PID, Started and Server, as a SELECT's columns.
func Who() string {
	return "pg_catalog.pg_backend_pid(), (SELECT " + Instant("backend_start") + backends + "pg_catalog.pg_backend_pid()), " + Instant(postmaster)
}

func (s Session) where() string {
	return backends + Literal(s.PID) + " AND " + Instant("backend_start") + " =" + Literal(s.Started)
}

// Cancel is SQL that cancels what the session does.
func (s Session) Cancel() string { return "SELECT pg_catalog.pg_cancel_backend(pid)" + s.where() }

// End is SQL that ends the session, if this is its server.
func (s Session) End() string {
	return "SELECT pg_catalog.pg_terminate_backend(pid)" + s.where() + " AND " + Instant(postmaster) + " =" + Literal(s.Server)
}

// Find is SQL for when the server was started, and how many such sessions it
// has.
func (s Session) Find() string {
	return "SELECT " + Instant(postmaster) + ", pg_catalog.count(*)" + s.where()
}
