"""A Postgres session with one transaction for one shadow."""

import time

import psycopg2

from . import footprint
from .driver import IDLE
from .errors import ArmError
from .layers import layers

NAME = "quack-shadow"  # the end of application_name, by which people and watchdogs find shadows
FUSE, CANCELLED, READ_ONLY, LOCK, PROCEDURE = "QF001", "57014", "25006", "55P03", "2D000"
GRACE = 0.1  # seconds; how much later than us, at least, the server ends a statement or an idle transaction
_STEP_MS = 50  # pg_stat_statements keeps each spelling of a SET

# What has to be known of a transaction.
OPEN_SQL = """SELECT pg_catalog.txid_current_if_assigned()::text, pg_catalog.current_setting('default_transaction_isolation'),
  pg_catalog.current_setting('track_counts'),
  EXISTS (SELECT FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_namespace n ON n.oid = c.connamespace
    WHERE c.condeferrable AND n.nspname <> 'txshadow')::text,
  EXISTS (SELECT FROM pg_catalog.pg_trigger WHERE tgrelid = pg_catalog.to_regclass('txshadow.fuse')
    AND tgname = 'fuse' AND tgenabled = 'A' AND tgdeferrable AND tginitdeferred)::text,
  pg_catalog.current_setting('default_transaction_read_only')"""

# The transaction's id, and what it has written, as text: an application may
# have registered readers of its own for numbers.
COUNTS_SQL = f"""SELECT ''::text, pg_catalog.txid_current_if_assigned()::text, '0', '0', '0' UNION ALL
  SELECT nspname::text, relname::text, ins::text, upd::text, del::text FROM ({footprint.COUNTS_SQL}) c"""


def instant(expression):
    """SQL for a timestamptz as text that does not depend on settings."""
    return f"pg_catalog.round(EXTRACT(epoch FROM {expression})::numeric * 1000000)::bigint::text"


def literal(text):
    """Quotes text whatever standard_conforming_strings says."""
    return " E'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


_WHO_SQL = f"""SELECT pg_catalog.pg_backend_pid()::text,
  (SELECT {instant("backend_start")} FROM pg_catalog.pg_stat_activity WHERE pid = pg_catalog.pg_backend_pid()),
  pg_catalog.current_setting('application_name'), {instant("pg_catalog.pg_postmaster_start_time()")},
  pg_catalog.current_setting('default_transaction_isolation')"""


class Session:
    """conn is a ShadowConnection, fresh from Django's own way of connecting,
    and behind the application's connection_created receivers."""

    def __init__(self, conn):
        self.conn, self.opened = conn, time.monotonic()
        self.xid = self.nonce = ""
        self.gid = ""  # the name under which its transaction may be prepared
        self.deferrable = self.counting = False
        self.limit_ms = self.lock_ms = 0
        self.isolation = "read committed"

    def prepare(self):
        """Makes the session fit for shadows. It writes nothing."""
        if self.conn.state() != IDLE:
            raise ArmError("a receiver of connection_created has left a transaction open")
        self.conn.own(None)  # from here on, its transactions are begun by us
        pid, self.started, name, self.server, isolation = self.conn.send(_WHO_SQL)[0]
        self.pid = int(pid)
        if self.pid != self.conn.get_backend_pid():
            raise ArmError(
                "a connection pooler stands before the database: the process that serves the session is not the one that it "
                "announced\n  it would hand the session's settings on to live work; set DIRECT in settings.QUACK_SHADOW "
                "to the HOST and PORT of the database itself"
            )
        if isolation == "repeatable read":
            self.isolation = isolation
        self._rehearse()
        shown = f"{name.encode()[: 62 - len(NAME)].decode(errors='ignore')} {NAME}" if name else NAME
        belt = "SET default_transaction_read_only = on;" if layers.belt else ""
        self.conn.send(f"SET application_name ={literal(shown)};{belt}SET synchronous_commit = local")
        if self.conn.server_version >= 150000:  # what receivers have written would count as the shadow's otherwise
            self.conn.send("SELECT pg_catalog.pg_stat_force_next_flush()")

    def _rehearse(self):
        """Runs once what will stand around the shadow's work, so that what is
        missing is found now and no request waits for plans."""
        fuse = "INSERT INTO txshadow.fuse (nonce) SELECT '' WHERE false;" if layers.fuse else ""
        try:
            self.conn.send(
                f"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;{fuse}PREPARE _ts_open AS {OPEN_SQL};"
                f"PREPARE _ts_counts AS {COUNTS_SQL};EXECUTE _ts_open;EXECUTE _ts_counts;ROLLBACK"
            )
        except psycopg2.Error as e:
            raise ArmError(f"rehearse a shadow's transaction: {e}{remedy(e)}") from e

    def arm(self, nonce, budget, lock_timeout):
        """Opens the transaction that can not commit: the fuse first, then the
        limits that protect others. Times are seconds."""
        self.nonce = nonce
        fuse = f"INSERT INTO txshadow.fuse (nonce) VALUES ({literal(nonce)});" if layers.fuse else ""
        fused, belted = self._open("READ WRITE;" + fuse, budget, lock_timeout)
        if layers.fuse and not fused:
            raise ArmError(
                "the trigger of txshadow.fuse is missing or switched off\n  install it anew: quack txshadow install"
            )
        if layers.belt and not belted:
            raise ArmError("default_transaction_read_only is not on in the shadow's session")

    def begin_reading(self, budget, lock_timeout):
        """Opens a transaction that can not write."""
        self._open("READ ONLY;", budget, lock_timeout)

    def _open(self, access, budget, lock_timeout):
        """Begins with the isolation of the session's default, which it has to
        ask for, and refuses when that is SERIALIZABLE."""
        for _ in range(2):
            try:
                usual, fused, belted = self._begin(access, budget, lock_timeout)
            except psycopg2.Error as e:
                raise ArmError(f"arm a shadow's session: {e}{remedy(e)}") from e
            if usual == self.isolation:
                return fused, belted
            self.conn.send("ROLLBACK")
            if usual == "serializable":
                raise ArmError(
                    "default_transaction_isolation is serializable: an open shadow would make live transactions fail "
                    "with 40001",
                    "unsupported:isolation",
                )
            self.isolation = usual
        raise ArmError("default_transaction_isolation does not stay what it is")

    def _begin(self, access, budget, lock_timeout):
        self.limit_ms = int((budget + GRACE) * 1000) // _STEP_MS * _STEP_MS + _STEP_MS
        self.lock_ms = max(int(lock_timeout * 1000), 1)
        row = self.conn.send(
            f"BEGIN ISOLATION LEVEL {self.isolation} {access}SET LOCAL lock_timeout = {self.lock_ms};"
            f"SET LOCAL statement_timeout = {self.limit_ms};"
            f"SET LOCAL idle_in_transaction_session_timeout = {self.limit_ms};EXECUTE _ts_open"
        )[0]
        self.xid, usual = row[0], row[1]
        self.counting, self.deferrable = row[2] == "on", row[3] == "true"
        return "read committed" if usual == "read uncommitted" else usual, row[4] == "true", row[5] == "on"

    def counts(self, before=""):
        """What the transaction has written, behind more SQL, and its id."""
        rows = self.conn.send(before + "EXECUTE _ts_counts")
        written = [(s, t, int(i), int(u), int(d)) for s, t, i, u, d in rows if s]
        return [t for s, t, *_ in rows if not s][0], written

    def rollback(self):
        """Ends the transaction. False when there was none: it had been ended
        behind our back, and the server warns of a ROLLBACK then (25P01). It has
        nothing else to say to one, so that any words of it count: psycopg2
        gives their text, in the server's language, without a code."""
        if self.conn.state() == IDLE:
            return False
        for last in (False, True):  # a cancel request that comes late may hit the first
            del self.conn.notices[:]
            try:
                self.conn.send("ROLLBACK")
            except psycopg2.Error as e:
                if last or e.pgcode != CANCELLED:
                    raise
            if self.conn.state() == IDLE:
                return not any(not n.startswith(("DEBUG", "LOG")) for n in self.conn.notices)
        raise psycopg2.OperationalError(f"after ROLLBACK the session has status {self.conn.state()}")

    def refusal(self, sql):
        """The SQLSTATE with which the server refuses sql, "" when it does not."""
        try:
            self.conn.send(sql)
        except psycopg2.Error as e:
            return e.pgcode or str(e)
        return ""


def remedy(error):
    """The next step after an error of arming."""
    if error.pgcode in ("3F000", "42P01"):
        return "\n  the fuse is not installed in this database: quack txshadow install"
    if error.pgcode == "42501":
        return "\n  this role may not arm the fuse: quack txshadow install --role ROLE"
    return ""
