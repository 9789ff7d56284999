package reports

import "github.com/quackproxy/quack/store"

// Schema is the reports' part of the store. Times are microseconds since 1970
// unless stated.
var Schema = store.Schema{Owner: "reports", Migrations: []string{`
-- Counters of a route in the time from start on, both in seconds: width 60,
-- 3600 or 86400, or 0 for all time. data is JSON.
CREATE TABLE reports_counts (
	route TEXT NOT NULL,
	width INTEGER NOT NULL,
	start INTEGER NOT NULL,
	data  BLOB NOT NULL,
	PRIMARY KEY (route, width, start)
) STRICT, WITHOUT ROWID;
CREATE INDEX reports_counts_by_time ON reports_counts (width, start);

CREATE TABLE reports_groups (
	id         INTEGER PRIMARY KEY,
	route      TEXT NOT NULL,
	path       TEXT NOT NULL,
	kind       TEXT NOT NULL,
	verdict    TEXT NOT NULL,
	reason     TEXT NOT NULL,
	count      INTEGER NOT NULL,
	first_seen INTEGER NOT NULL,
	last_seen  INTEGER NOT NULL,
	UNIQUE (route, path, kind, verdict, reason)
) STRICT;

CREATE TABLE reports_group_counts (
	group_id INTEGER NOT NULL REFERENCES reports_groups (id) ON DELETE CASCADE,
	width    INTEGER NOT NULL,
	start    INTEGER NOT NULL,
	count    INTEGER NOT NULL,
	PRIMARY KEY (group_id, width, start)
) STRICT, WITHOUT ROWID;
CREATE INDEX reports_group_counts_by_time ON reports_group_counts (width, start);

-- Evidence: data is JSON packed with zstd, ring is 1 while it is kept as one
-- of the newest of its route and verdict, size counts its samples as well.
CREATE TABLE reports_comparisons (
	seq     INTEGER PRIMARY KEY AUTOINCREMENT,
	id      TEXT NOT NULL UNIQUE,
	route   TEXT NOT NULL,
	at      INTEGER NOT NULL,
	verdict TEXT NOT NULL,
	ring    INTEGER NOT NULL,
	size    INTEGER NOT NULL,
	data    BLOB NOT NULL
) STRICT;
CREATE INDEX reports_comparisons_by_route ON reports_comparisons (route, seq);
CREATE INDEX reports_comparisons_by_verdict ON reports_comparisons (verdict, route, seq);

CREATE TABLE reports_samples (
	group_id INTEGER NOT NULL REFERENCES reports_groups (id) ON DELETE CASCADE,
	seq      INTEGER NOT NULL REFERENCES reports_comparisons (seq) ON DELETE CASCADE,
	at       INTEGER NOT NULL,
	place    TEXT NOT NULL,
	legacy   TEXT NOT NULL,
	new      TEXT NOT NULL,
	PRIMARY KEY (group_id, at, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX reports_samples_by_comparison ON reports_samples (seq);
`, `
-- How far forgiven timestamps are apart, of all time: JSON, NULL when it is a
-- group of something else.
ALTER TABLE reports_groups ADD COLUMN drift BLOB;
`, `
-- The last calibration of each route that has ended; data is JSON.
CREATE TABLE reports_calibrations (
	route TEXT PRIMARY KEY,
	at    INTEGER NOT NULL,
	data  BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Rules in force: since when, and how much their route had compared by then.
CREATE TABLE reports_rules (
	route    TEXT NOT NULL,
	rule     TEXT NOT NULL,
	since    INTEGER NOT NULL,
	compared INTEGER NOT NULL,
	PRIMARY KEY (route, rule)
) STRICT, WITHOUT ROWID;
`, `
-- What a group is called outside of this store: groupKey.id. NULL in groups of
-- older versions, until the reports are opened. places is how many places
-- differed in its comparisons, added up over weighed of them: those of older
-- versions are not among them.
ALTER TABLE reports_groups ADD COLUMN public_id TEXT;
ALTER TABLE reports_groups ADD COLUMN places INTEGER NOT NULL DEFAULT 0;
ALTER TABLE reports_groups ADD COLUMN weighed INTEGER NOT NULL DEFAULT 0;
CREATE INDEX reports_groups_by_public_id ON reports_groups (public_id);

-- For evidence that has become too old.
CREATE INDEX reports_comparisons_by_age ON reports_comparisons (at);
`, marksTable, coverSchema, hourlySchema}}
