"""mode=prepare: a shadow ends as a prepared transaction that is rolled back, so
that a logical decoder of Quack sees its rows (level 4). Nobody ever sends COMMIT
PREPARED."""

import logging
import os
import threading
import time

import psycopg2
from psycopg2 import errors

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


def show(shadow, session, gid, until):
    """Prepares the transaction, waits until the slot has confirmed it, and rolls
    it back; until is when it has to end at the latest (time.monotonic). False
    when it was left as it is, for an ordinary ROLLBACK. The driver's errors leave
    it to another session to find out."""
    if shadow.reason:
        return False
    session.gid = gid
    try:
        lsn = _prepare(shadow, session, gid)
    except psycopg2.Error as e:
        log.info("shadow request %s was not prepared: %s", shadow.id, e)
        if session.conn.closed or session.conn.state() != IDLE:
            return False
        lsn = None  # what stands behind the PREPARE may have been cancelled
    if lsn:
        _wait(session, gid, lsn, min(until, time.monotonic() + MOST))
    _roll_back(session.conn.send, gid)
    if not aborted(session.conn.send(_status_sql(session.xid))):
        raise Leaked(f"transaction {session.xid} is not aborted after ROLLBACK PREPARED")
    return True


def _prepare(shadow, session, gid):
    """Returns the place in the log that the decoder has to pass. The message makes
    a transaction that has written nothing that is logged known to the decoder
    as well. Only the role in force at the PREPARE may end it, and SET LOCAL ROLE
    ends with it."""
    rows = session.conn.send(
        "RESET SESSION AUTHORIZATION;RESET ROLE;"
        f"SELECT pg_catalog.pg_logical_emit_message(true, 'txshadow', {literal(shadow.id)});"
        f"SET SESSION synchronous_commit = local;SET LOCAL txshadow.probe ={literal(session.nonce)};"
        f"PREPARE TRANSACTION {literal(gid)};SELECT pg_catalog.pg_current_wal_flush_lsn()::text"
    )
    return rows[0][0]


def _roll_back(send, gid):
    """That there is none any more is as good: a watchdog may have been first, and
    is waited for when it is about to. What counts is what became of the
    transaction."""
    for _ in range(100):
        try:
            send(f"ROLLBACK PREPARED {literal(gid)}")
            return
        except errors.UndefinedObject:
            return
        except errors.ObjectNotInPrerequisiteState:
            time.sleep(0.002)


# A ROLLBACK PREPARED that waits for a synchronous standby keeps the locks until then.
_WITHOUT_STANDBYS = "SET synchronous_commit = local"


def _status_sql(xid):
    return f"SELECT pg_catalog.pg_xact_status('{int(xid)}'::pg_catalog.xid8)"


def aborted(rows):
    return bool(rows) and rows[0][0] == "aborted"


def _wait(session, gid, lsn, until):
    """Returns when Quack's slot has confirmed what has been written until lsn,
    when there is no such slot, or at until."""
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


def settle(c, gid, xid):
    """Rolls gid back by a cursor of another connection, and raises Leaked when
    its transaction has not been aborted."""
    c.execute(_WITHOUT_STANDBYS)
    _roll_back(c.execute, gid)
    c.execute(_status_sql(xid))
    if not aborted(c.fetchall()):
        raise Leaked(f"transaction {xid} is not aborted")


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
                    "SELECT gid FROM pg_catalog.pg_prepared_xacts WHERE gid ~ '^txshadow-[a-z0-9]{1,32}-[0-9]{1,19}$' AND owner = current_user "
                    "AND database = current_database() AND prepared < clock_timestamp() - %s * interval '1 s'",
                    (ORPHAN_AGE,),
                )
                gids = c.fetchall()
                c.execute(_WITHOUT_STANDBYS)
                for (gid,) in gids:
                    _roll_back(c.execute, gid)
                    log.warning("rolled back a prepared transaction that a shadow had left behind: %s", gid)
        finally:
            connection.close()
        return True
