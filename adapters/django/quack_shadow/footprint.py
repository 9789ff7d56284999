"""How many rows a shadow wrote, per table, and what it would have done besides."""

import re

MAX = 4096  # bytes of a Quack-Footprint

# pg_stat_xact_user_tables without its joins of the indexes, and without
# temporary tables, which end with the session.
COUNTS_SQL = """SELECT n.nspname, t.relname, t.ins, t.upd, t.del FROM (SELECT relnamespace, relname,
  pg_catalog.pg_stat_get_xact_tuples_inserted(oid) AS ins, pg_catalog.pg_stat_get_xact_tuples_updated(oid) AS upd,
  pg_catalog.pg_stat_get_xact_tuples_deleted(oid) AS del
  FROM pg_catalog.pg_class WHERE relkind = 'r' AND relpersistence <> 't') t
  JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
  WHERE t.ins + t.upd + t.del > 0 AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'txshadow')"""

_KEYS = ("ins", "upd", "del")


class Ledger:
    """Keeps the counts right over savepoints that are rolled back: the server
    counts what they wrote and never takes it off again.

    stale  something may have been written since the last reading
    lost   the counts can not be told any more
    """

    def __init__(self):
        self.stale = self.lost = False
        self._last, self._void = {}, {}

    def read(self, rows):
        """Takes the rows that COUNTS_SQL gives."""
        self._last = {(schema, table): tuple(counts) for schema, table, *counts in rows}
        self.stale = False

    def void_all(self):
        """What was read is from before the transaction."""
        self._void = self._last

    def mark(self):
        """The books at the time of a savepoint. The last reading is not stale."""
        return self._last, self._void

    def undone(self, mark):
        """Called after a ROLLBACK TO, when the last reading is not stale."""
        base, void = mark
        self._void = _sum(void, _sum(self._last, base, -1), 1)

    def tables(self):
        return {k: v for k, v in _sum(self._last, self._void, -1).items() if any(v)}


def _sum(a, b, sign):
    total = dict(a)
    for key, counts in b.items():
        total[key] = tuple(x + sign * y for x, y in zip(total.get(key, (0, 0, 0)), counts))
    return total


def header(tables, effects=None):
    """A Quack-Footprint: a dictionary of RFC 9651 with the inner lists "tables"
    and, when there are any, "effects". tables maps (schema, table) to rows
    inserted, updated and deleted, effects a text to how often. What does not go
    into 4 KiB is left out, and "truncated" says so."""
    parts = [(_part(s) + "." if s != "public" else "", _part(t), counts) for (s, t), counts in tables.items()]
    names = [((schema or "public.") + table, counts) for schema, table, counts in sorted(parts, key=lambda p: p[0] + p[1])]
    lists = [("tables", [string(n) + _counts(c) for n, c in names])]
    if effects:
        lists.append(("effects", [f"{string(e)};n={n}" for e, n in sorted(effects.items())]))
    text, cut = "", False
    for name, items in lists:
        text += f"{', ' if text else ''}{name}=("
        kept = []
        for item in items:
            if len(text) + sum(len(k) + 1 for k in kept) + len(item) > MAX - len("), effects=(), truncated"):
                cut = True
                break
            kept.append(item)
        text += " ".join(kept) + ")"
    return text + (", truncated" if cut else "")


def _part(name):
    return '"' + name.replace('"', '""') + '"' if "." in name or '"' in name else name


def _counts(counts):
    return "".join(f";{k}={n}" for k, n in zip(_KEYS, counts) if n)


def string(s):
    """A String of RFC 9651, or a Display String when it has more than ASCII."""
    if re.fullmatch(r"[\x20-\x7e]*", s):
        return '"' + s.replace("\\", "\\\\").replace('"', '\\"') + '"'
    encoded = s.encode("utf-8", "replace")
    return '%"' + "".join(chr(c) if 0x20 <= c < 0x7F and c not in b'%"' else "%%%02x" % c for c in encoded) + '"'
