package admin

import (
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
)

// Database is how a database is kept from shadow writes: watchdog.State field by
// field, so that one converts to the other.
type Database struct {
	Database string `json:"database"`
	Watching bool   `json:"watching"` // the watchdog has a connection
	Why      string `json:"why"`      // why not; "" when it has one
	Sees     bool   `json:"sees"`     // its role sees what the sessions of others wait for

	UnderWay int    `json:"under_way"`   // shadow writes of this process
	Max      int    `json:"max_shadows"` // at once; 0 is no bound
	Busy     string `json:"busy"`        // the limit for which shadows are not run; "" when they are

	Full       int64 `json:"refused_full"`        // shadow writes not run, since there were enough at once
	Refused    int64 `json:"refused_busy"`        // shadow writes not run, since the database was busy or not watched
	Blocking   int64 `json:"ended_blocking"`      // sessions ended, since a live one waited for them
	Overdue    int64 `json:"ended_overdue"`       // sessions ended, since they were older than a shadow may be
	RolledBack int64 `json:"prepared_rolledback"` // prepared transactions rolled back
	Orphans    int   `json:"orphans"`             // prepared transactions that are too old, and could not be rolled back
	Failed     int64 `json:"failed"`              // endings that the server refused

	Fault   string       `json:"fault"`    // the last thing that went wrong, "" when nothing has
	FaultAt time.Time    `json:"fault_at"` // zero when nothing has
	Load    DatabaseLoad `json:"load"`     // as last measured
}

// keepsShadowsOff reports whether an instance or a database keeps writes from
// being shadowed, or a shadow has left something behind.
func (s *Status) keepsShadowsOff() bool {
	return slices.ContainsFunc(s.Proofs, func(p Proof) bool { return !p.Proved }) ||
		slices.ContainsFunc(s.Databases, func(d Database) bool {
			return d.Why != "" || d.Busy != "" || d.Watching && !d.Sees || d.Orphans > 0
		})
}

// DatabaseLoad is what a database has to do: watchdog.Load field by field.
type DatabaseLoad struct {
	At                time.Time     `json:"at"` // zero when it was not measured
	Connections       int           `json:"connections"`
	MaxConnections    int           `json:"max_connections"` // without those kept for superusers
	ReplicationLag    time.Duration `json:"replication_lag_ns"`
	ReplicationBytes  int64         `json:"replication_lag_bytes"` // of WAL that a standby has not replayed
	OldestTransaction time.Duration `json:"oldest_transaction_ns"`
	OldestXmin        int64         `json:"oldest_xmin_age"` // transactions since then
	RetainedWAL       int64         `json:"retained_wal_bytes"`
	LocksWaiting      int           `json:"locks_waiting"`
}

// ofDatabase is a metric of each database.
func ofDatabase(number func(*Database) int64) func(*Live, func(int64, ...attribute.KeyValue)) {
	return func(l *Live, value func(int64, ...attribute.KeyValue)) {
		for i := range l.Databases {
			d := &l.Databases[i]
			value(number(d), attribute.String("database", d.Database))
		}
	}
}

var ofDatabases = []liveMetric{
	{"quack_database_watched", "1 while the watchdog of the database has a connection.", false, ofDatabase(func(d *Database) int64 { return oneIf(d.Watching) })},
	{"quack_database_busy", "1 while shadow writes are left out since the database is above a limit.", false, ofDatabase(func(d *Database) int64 { return oneIf(d.Busy != "") })},
	{"quack_database_shadows", "Shadow writes under way.", false, ofDatabase(func(d *Database) int64 { return int64(d.UnderWay) })},
	{"quack_database_orphans", "Prepared transactions of shadows that could not be rolled back.", false, ofDatabase(func(d *Database) int64 { return int64(d.Orphans) })},
	{"quack_database_ended_blocking", "Sessions of shadows ended since a live one waited for them.", true, ofDatabase(func(d *Database) int64 { return d.Blocking })},
	{"quack_database_ended_overdue", "Sessions of shadows ended since they were too old.", true, ofDatabase(func(d *Database) int64 { return d.Overdue })},
	{"quack_database_prepared_rolledback", "Prepared transactions of shadows rolled back by the watchdog.", true, ofDatabase(func(d *Database) int64 { return d.RolledBack })},
	{"quack_database_ending_failures", "Endings of shadows that the server refused.", true, ofDatabase(func(d *Database) int64 { return d.Failed })},
	{"quack_database_connections", "Connections that are taken, as last measured.", false, ofDatabase(func(d *Database) int64 { return int64(d.Load.Connections) })},
	{"quack_database_replication_lag_milliseconds", "Lag of the slowest standby, as last measured.", false, ofDatabase(func(d *Database) int64 { return d.Load.ReplicationLag.Milliseconds() })},
	{"quack_database_oldest_transaction_milliseconds", "Age of the oldest live or prepared transaction, as last measured.", false, ofDatabase(func(d *Database) int64 { return d.Load.OldestTransaction.Milliseconds() })},
	{"quack_database_retained_wal_bytes", "WAL kept by a slot of shadows, or of a standby that is away, as last measured.", false, ofDatabase(func(d *Database) int64 { return d.Load.RetainedWAL })},
}
