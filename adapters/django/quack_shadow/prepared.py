"""mode=prepare: a shadow ends as a prepared transaction that is rolled back, so
that a logical decoder of Quack sees its rows (level 4). Nobody ever sends COMMIT
PREPARED."""

import logging
import os
import threading
import time

import psycopg2

from .driver import IDLE
from .session import literal

log = logging.getLogger("quack_shadow")

MOST = 0.150  # seconds that a transaction stays prepared
ORPHAN_AGE, SWEEP_EVERY = 10, 30  # seconds


class Leaked(Exception):
    """It can not be told that a transaction has been rolled back."""


def able(session):
    """Whether this database can prepare and decode transactions, and its fuse
    lets ours pass."""
    return session.conn.send(
        """SELECT (current_setting('server_version_num')::int >= 140000 AND current_setting('wal_level') = 'logical'
          AND current_setting('max_prepared_transactions')::int > 0 AND EXISTS (
            SELECT FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
            WHERE n.nspname = 'txshadow' AND p.proname = 'refuse' AND strpos(p.prosrc, 'txshadow.probe') > 0))::text"""
    )[0][0] == "true"


def show(shadow, session, gid, until, rescue):
    """Prepares the transaction, waits until the slot has confirmed it, and rolls
    it back; until is when it has to end at the latest (time.monotonic). False
    when it was left as it is, for an ordinary ROLLBACK. rescue rolls gid back by
    another session."""
    if shadow.reason:
        return False
    try:
        # Only the role in force at the PREPARE may end it, and SET LOCAL ROLE ends with it.
        session.conn.send(
            "RESET SESSION AUTHORIZATION; RESET ROLE; "
            f"SET LOCAL txshadow.probe ={literal(session.nonce)};PREPARE TRANSACTION {literal(gid)}"
        )
    except psycopg2.Error as e:
        log.info("shadow request %s was not prepared: %s", shadow.id, e)
        return session.conn.state() == IDLE and not session.conn.closed  # the error has rolled it back
    try:
        _wait(session, gid, min(until, time.monotonic() + MOST))
        session.conn.send(f"ROLLBACK PREPARED {literal(gid)}")
    except psycopg2.Error as e:
        log.warning("the prepared transaction of shadow request %s is rolled back by another session: %s", shadow.id, e)
        rescue(gid, session.xid)
        return True
    if not aborted(session.conn.send(_status_sql(session.xid))):
        raise Leaked(f"transaction {session.xid} is not aborted after ROLLBACK PREPARED")
    return True


def _status_sql(xid):
    return f"SELECT pg_catalog.pg_xact_status('{int(xid)}'::pg_catalog.xid8)"


def aborted(rows):
    return bool(rows) and rows[0][0] == "aborted"


def _wait(session, gid, until):
    """Returns when Quack's slot has confirmed what has been written until now,
    when there is no such slot, or at until."""
    lsn = session.conn.send("SELECT pg_catalog.pg_current_wal_insert_lsn()::text")[0][0]
    slot = "txshadow_" + gid.split("-")[1]
    ask = (
        f"SELECT (confirmed_flush_lsn >= '{lsn}'::pg_catalog.pg_lsn)::text FROM pg_catalog.pg_replication_slots "
        f"WHERE slot_name = '{slot}'"
    )
    time.sleep(0.001)
    while True:
        rows = session.conn.send(ask)
        if not rows or rows[0][0] == "true" or time.monotonic() + 0.002 > until:
            return
        time.sleep(0.002)


def rescue(connect, gid, xid):
    """Rolls gid back by a new connection, and raises Leaked when that can not
    be confirmed."""
    try:
        connection = connect()
        try:
            connection.autocommit = True
            with connection.cursor() as c:
                c.execute("SELECT 1 FROM pg_catalog.pg_prepared_xacts WHERE gid = %s", (gid,))
                if c.fetchone():
                    c.execute("ROLLBACK PREPARED %s", (gid,))
                c.execute(_status_sql(xid))
                if not aborted(c.fetchall()):
                    raise Leaked(f"transaction {xid} is not aborted")
        finally:
            connection.close()
    except psycopg2.Error as e:
        raise Leaked(f"roll back the prepared transaction {gid}: {e}") from e


class Sweeper:
    """Rolls back what a process of ours that has died has left prepared: at the
    start and every 30 seconds, in a thread, also behind a fork."""

    def __init__(self, connect):
        self._connect = connect
        self.start()
        os.register_at_fork(after_in_child=self.start)

    def start(self):
        threading.Thread(target=self._run, name="quack-shadow-sweeper", daemon=True).start()

    def _run(self):
        while True:
            try:
                if not self._sweep():
                    return
            except psycopg2.Error as e:
                log.warning("look for prepared transactions that were left behind: %s", e)
            time.sleep(SWEEP_EVERY)

    def _sweep(self):
        """False when this server prepares no transactions."""
        connection = self._connect()
        try:
            connection.autocommit = True
            with connection.cursor() as c:
                c.execute("SELECT current_setting('max_prepared_transactions')")
                if c.fetchone()[0] == "0":
                    return False
                c.execute(
                    "SELECT gid FROM pg_catalog.pg_prepared_xacts WHERE gid LIKE 'txshadow-%%' AND owner = current_user "
                    "AND database = current_database() AND prepared < clock_timestamp() - %s * interval '1 s'",
                    (ORPHAN_AGE,),
                )
                for (gid,) in c.fetchall():
                    log.warning("a prepared transaction was left behind and is rolled back: %s", gid)
                    c.execute("ROLLBACK PREPARED %s", (gid,))
        finally:
            connection.close()
        return True
