"""Which of the application's SQL a shadow sends, and what it sends in its place."""

import re

from .layers import layers
from .session import literal
from .statement import split

_TIME = re.compile(r"\s*([0-9]{1,9})\s*(us|ms|s|min|h|d)?\s*\Z")
_UNITS = {"us": 0.001, None: 1, "ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}

# Constraints that an event may wait for: those of tables with changed rows, on
# either side of a foreign key.
_TOUCHED = " AND 0 < " + " + ".join(
    f"pg_catalog.pg_stat_get_xact_tuples_{what}(c.{side})"
    for side in ("conrelid", "confrelid")
    for what in ("inserted", "updated", "deleted")
)


def admit(work, sql):
    """Judges sql and returns its statements, and what to send for it."""
    conn, shadow = work.shadow.session.conn, work.shadow
    text = sql.decode("utf-8", "surrogateescape")
    statements = split(text, conn.get_parameter_status("standard_conforming_strings") == "off")
    if not layers.interception:
        return statements, sql
    if conn.encoding not in ("UTF8", "SQL_ASCII", "SQLASCII"):
        raise shadow.refuse("unsupported:client_encoding")
    if work.leaked and statements:
        shadow.note("unsupported:" + work.leaked)
    for s in statements:
        _judge(work, s)
    adapted = _adapted(work, text, statements)
    return statements, sql if adapted is text else adapted.encode("utf-8", "surrogateescape")


def _judge(work, s):
    """Refuses a statement, or keeps in mind what it leaves behind."""
    shadow = work.shadow
    if _against(shadow, s):
        raise shadow.refuse(_against(shadow, s))
    if s.isolation and s.isolation != shadow.session.isolation:
        raise shadow.refuse("unsupported:isolation")
    if s.writable and not shadow.writes:
        raise shadow.refuse("unsupported:read-write")
    if s.executes:
        _judge_prepared(work, s.executes)
    work.prepared = work.prepared or s.verb == "prepare"
    if s.leak:
        work.outlives(s.leak)


def _against(shadow, s):
    return s.refusal or (s.blocks if shadow.writes else "")


def _judge_prepared(work, name):
    """Refuses to EXECUTE what a receiver of connection_created has prepared and
    would be refused itself."""
    known = literal(name.encode("utf-8", "replace").decode())
    rows = work.control("SELECT statement FROM pg_catalog.pg_prepared_statements WHERE name =" + known)
    for s in split(rows[0][0]) if rows else ():
        if _against(work.shadow, s):
            raise work.shadow.refuse(_against(work.shadow, s))


def _adapted(work, sql, statements):
    """sql with what would weaken a shadow replaced: SET CONSTRAINTS ALL
    IMMEDIATE by one that names all constraints but the fuse, and the settings that
    protect others by those of the shadow, where they are not below them."""
    for s in reversed(statements):
        instead = None
        if s.guard:
            instead = _guarded(work.shadow.session, s)
        elif s.all_immediate and work.shadow.writes:
            names, _ = deferrable(work, "")
            instead = f"SET CONSTRAINTS {names} IMMEDIATE" if names else "SET CONSTRAINTS ALL DEFERRED"
        if instead is not None:
            sql = sql[: s.start] + instead + sql[s.end :]
    return sql


def _guarded(session, s):
    ours = session.lock_ms if s.guard == "lock_timeout" else session.limit_ms
    found = _TIME.match(s.guard_to or "")
    if found and 1 <= int(found.group(1)) * _UNITS[found.group(2)] < ours:
        return None
    return f"SET LOCAL {s.guard} = {ours}"


def deferrable(work, condition):
    """The names of deferrable constraints but the fuse, for SET CONSTRAINTS:
    all, and those that are deferred from the start."""
    return work.control(
        """SELECT string_agg(DISTINCT name, ', '), string_agg(DISTINCT name, ', ') FILTER (WHERE condeferred)
        FROM (SELECT pg_catalog.format('%I.%I', n.nspname, c.conname) AS name, c.condeferred
          FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_namespace n ON n.oid = c.connamespace
          WHERE c.condeferrable AND n.nspname <> 'txshadow'"""
        + condition
        + ") c"
    )[0]


def check_deferred(work):
    """Does what a commit would do: fires the deferred constraints that wait, the
    fuse aside, and then puts all as they were declared."""
    names, deferred = deferrable(work, _TOUCHED if work.shadow.session.counting else "")
    if names:
        work.control(
            f"SET CONSTRAINTS {names} IMMEDIATE" + (f";SET CONSTRAINTS {deferred} DEFERRED" if deferred else "")
        )


def verb(statements):
    """What to call statements: the first that has something against it, else
    the first."""
    for s in statements:
        if s.refusal.startswith("escape:"):
            return s.refusal[len("escape:") :]
    return statements[0].verb if statements else "unknown"


def detail(statements):
    """Names what tried to write, as in ":insert:audits"."""
    for s in statements:
        if s.writes:
            return f":{s.verb}:{s.table}" if s.table else f":{s.verb}"
    return f":{statements[0].verb}" if statements else ""
