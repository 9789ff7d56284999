"""The end of a shadow: its transaction is rolled back, and what became of it is
told."""

import logging
import time
from typing import NamedTuple, Optional

import psycopg2

from . import prepared
from .errors import Unreachable
from .footprint import header
from .layers import layers
from .shadow import rank

log = logging.getLogger("quack_shadow")

# Seconds that a cancelled statement is waited for before the session is ended
# from outside. Quack waits 100 ms beyond the budget.
SEIZE_PATIENCE = 0.075
CANCEL_EVERY = 0.025  # a request that came before its statement had begun was ignored


class Ending(NamedTuple):
    rolled_back: bool  # the server has said so
    reason: str
    footprint: Optional[str] = None  # the header; None when it is not known
    unreachable: bool = False  # not rolled_back, because there is no server to ask


def finish(shadow, sessions, gid="", until=0.0):
    """Ends the shadow. When it returns with rolled_back, the server holds no
    lock for it any more. gid, for mode=prepare, is the name under which its
    writes are shown to a decoder before, until that time (time.monotonic)."""
    shadow.end()
    if not _seize(shadow):
        return _from_outside(shadow, sessions, "a statement did not end within 75 ms of its cancellation")
    try:
        session = shadow.session
        if session is None:  # it sent nothing
            return Ending(True, shadow.reason, _footprint(shadow, {}))
        if session.conn.closed:
            return _from_outside(shadow, sessions, "its connection is closed")
        return _roll_back(shadow, session, sessions, gid, until)
    finally:
        shadow.turn.release()


def _seize(shadow):
    """Takes the session from its view, cancelling the statement under way."""
    until = time.monotonic() + SEIZE_PATIENCE
    while not shadow.turn.acquire(timeout=0.0005):
        if time.monotonic() > until:
            return False
        session = shadow.session
        if session is not None and not session.conn.closed:
            try:
                psycopg2.extensions.connection.cancel(session.conn)
            except psycopg2.Error as e:
                log.warning("cancel a statement of shadow request %s: %s", shadow.id, e)
        if shadow.turn.acquire(timeout=CANCEL_EVERY):
            return True
    return True


def _roll_back(shadow, session, sessions, gid, until):
    counted = None
    try:
        counted = _counted(shadow, session)
        if gid and prepared.show(shadow, session, gid, until):
            pass  # the transaction has ended as a prepared one that was rolled back
        elif not session.rollback() and layers.watch:
            shadow.work.escaped("unknown")
            return _from_outside(shadow, sessions, None)
    except psycopg2.Error as e:
        return _from_outside(shadow, sessions, f"roll back: {e}")
    except (prepared.Leaked, Unreachable) as e:
        return _unconfirmed(shadow, e)
    if shadow.writes or shadow.reason or shadow.work.prepared:
        session.conn.hang_up()
    else:
        sessions.give_back(session)
    return Ending(True, shadow.reason, counted)


def _counted(shadow, session):
    """The footprint; None when what was written can not be told."""
    if not shadow.writes or rank(shadow.reason) >= rank("budget"):
        return None
    work = shadow.work
    try:
        if work.tx is not None:  # never committed: Django would roll it back
            work.rollback()
        xid, rows = session.counts()
    except psycopg2.Error:
        return None
    if session.xid and xid != session.xid and layers.watch:
        shadow.refuse("escape:chain")
        return None
    work.books.read(rows)
    if work.books.lost or not session.counting:
        return None
    return _footprint(shadow, work.books.tables())


def _footprint(shadow, tables):
    return header(tables, shadow.effects) if shadow.writes else None


def _from_outside(shadow, sessions, why):
    """Ends the session by another one, when its own connection can not be used
    any more."""
    if why:
        log.warning("the session of shadow request %s is ended from outside: %s", shadow.id, why)
    try:
        sessions.gone(shadow.session)
    except Exception as e:
        return _unconfirmed(shadow, e)
    return Ending(True, shadow.reason)


def _unconfirmed(shadow, error):
    log.error("the end of shadow request %s can not be confirmed (%s): %s", shadow.id, shadow.reason, error)
    return Ending(False, shadow.reason, unreachable=isinstance(error, Unreachable))
