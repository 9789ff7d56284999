"""What a shadow does not send to the database, and under which reason. "escape:VERB"
would end the transaction; "unsupported:WHAT" a shadow can not give, or could
not take back."""

from .lexer import OTHER, STRING, UNICODE, WORD

OUR_PREFIX = "_ts_"  # of the savepoints a shadow makes

# The settings by which the server protects others from a shadow.
GUARDS = frozenset({"statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"})


def control(p, s):
    """Judges the statements that steer transactions and sessions."""
    verb = s.verb
    if verb in ("commit", "rollback"):
        if p.word(1) == "prepared":
            return f"escape:{verb}-prepared"
        at = _rollback_to(p)
        if verb == "rollback" and at:
            return _savepoint(p, s, "rollback", at)
        return f"escape:{verb}"
    if verb in ("end", "abort", "begin"):
        return f"escape:{verb}"
    if verb == "start":
        return "escape:start-transaction"
    if verb == "prepare" and p.word(1) == "transaction":
        return "escape:prepare-transaction"
    if verb in ("savepoint", "release"):
        return _savepoint(p, s, verb, 2 if verb == "release" and p.word(1) == "savepoint" and len(p) > 2 else 1)
    if verb == "set":
        return _set(p, s)
    if verb == "reset":
        return _reset(p, s)
    if verb == "deallocate":
        return _deallocate(p)
    if verb in ("discard", "listen", "vacuum", "checkpoint", "load", "lock"):
        return f"unsupported:{verb}"
    if verb in ("copy", "create", "drop", "alter", "reindex", "cluster"):
        return _utility(p, verb)
    return ""


def _rollback_to(p):
    """Where the savepoint's name stands in ROLLBACK [WORK | TRANSACTION] TO
    [SAVEPOINT] name, 0 when this is another ROLLBACK."""
    at = 2 if p.word(1) in ("work", "transaction") else 1
    if p.word(at) != "to":
        return 0
    return at + 2 if p.word(at + 1) == "savepoint" and at + 2 < len(p) else at + 1


def _savepoint(p, s, what, at):
    name = p.name(at)
    if not name:
        return "unsupported:savepoint-name"
    if name.startswith(OUR_PREFIX):
        return "escape:savepoint"
    s.savepoint = (what, name)
    return ""


def _set(p, s):
    at = 2 if p.word(1) in ("local", "session") else 1
    word = p.word(at)
    if word == "characteristics":
        return "unsupported:session-characteristics"
    if word == "authorization":
        return ""
    if word == "transaction":
        return _set_transaction(p, s)
    if word == "constraints":
        immediate = p.word(len(p) - 1) == "immediate"
        s.all_immediate = immediate and p.word(at + 1) == "all"
        return "unsupported:fuse" if immediate and not s.all_immediate and p.names("fuse") else ""
    if word == "names":
        return "unsupported:client_encoding"
    name = p.name(at).lower()
    if name in GUARDS:
        s.guard, s.guard_to = name, p.value(at + 1)
        return ""
    s.writable = name == "transaction_read_only"
    return protected_setting(name)


def _set_transaction(p, s):
    s.writable = p.has("read", "write")
    levels = {"committed": "read committed", "uncommitted": "read committed", "repeatable": "repeatable read"}
    if p.has_any("isolation"):
        s.isolation = next((levels[t.text] for t in p if t.kind == WORD and t.text in levels), "serializable")
    return "unsupported:snapshot" if p.has_any("snapshot") else ""


def _reset(p, s):
    name = p.name(1).lower()
    if name in GUARDS:
        s.guard = name
        return ""
    return "unsupported:reset-all" if p.word(1) == "all" else protected_setting(name)


def _deallocate(p):
    """Spares the statements that a shadow has prepared for itself."""
    at = 2 if p.word(1) == "prepare" and len(p) > 2 else 1
    return "unsupported:deallocate" if p.word(at) == "all" or p.name(at).startswith(OUR_PREFIX) else ""


def protected_setting(name):
    """Refuses what holds the layers up, and what a transaction that is open
    already can not be given."""
    name = name.lower()
    if not name:
        return "unsupported:setting-name"
    if name in ("default_transaction_read_only", "session_replication_role", "client_encoding"):
        return f"unsupported:{name}"
    if name in ("transaction_isolation", "default_transaction_isolation"):
        return "unsupported:isolation"
    return "unsupported:txshadow" if name.startswith("txshadow") else ""


def _utility(p, verb):
    """Refuses what a transaction block refuses anyway, and what leaves the
    database."""
    kind = p.word(1)
    if verb == "copy":
        if p.has_any("program"):
            return "unsupported:copy-program"
        to_file = any(p.word(i) == "to" and p[i + 1].kind == STRING for i in range(len(p) - 1))
        return "unsupported:copy-file" if to_file else ""
    if verb in ("create", "drop") and kind in ("database", "tablespace", "subscription"):
        return f"unsupported:{verb}-{kind}"
    if verb == "alter" and kind == "system":
        return "unsupported:alter-system"
    if p.has_any("concurrently"):
        return "unsupported:concurrently"
    return f"unsupported:{verb}" if verb in ("reindex", "cluster") else ""


# Functions whose effects no ROLLBACK takes back, or that change what live work
# gets while the shadow is open, and under what name they are refused.
_OUTSIDE = {
    **{f: f for f in """setval lo_export pg_terminate_backend pg_cancel_backend pg_reload_conf pg_rotate_logfile
       pg_switch_wal pg_create_restore_point pg_promote pg_logical_emit_message pg_file_write pg_stat_reset""".split()},
    **{f: "advisory-lock" for f in """pg_advisory_lock pg_advisory_lock_shared pg_try_advisory_lock
       pg_try_advisory_lock_shared pg_advisory_unlock pg_advisory_unlock_shared pg_advisory_unlock_all
       pg_advisory_xact_lock pg_advisory_xact_lock_shared pg_try_advisory_xact_lock
       pg_try_advisory_xact_lock_shared""".split()},
    **{f: "replication-slot" for f in """pg_create_logical_replication_slot pg_create_physical_replication_slot
       pg_drop_replication_slot pg_replication_slot_advance pg_logical_slot_get_changes
       pg_logical_slot_get_binary_changes""".split()},
    "pg_export_snapshot": "snapshot",
}


def beyond_reach(p):
    """Refuses calls of functions that act outside of the transaction, and
    whatever names our own schema."""
    if p.names("txshadow"):
        return "unsupported:txshadow"
    if any(t.kind == UNICODE for t in p):
        return "unsupported:unicode-identifier"
    if p.names("pg_settings") and p.has_any("update", "merge"):  # an UPDATE of that view is a set_config
        return "unsupported:pg_settings"
    if p.has("skip", "locked"):  # live workers would skip what the shadow has locked
        return "unsupported:skip-locked"
    for f in (name.lower() for name in p.calls()):
        if f in _OUTSIDE:
            return f"unsupported:{_OUTSIDE[f]}"
        if f.startswith("dblink"):
            return "unsupported:dblink"
        if f == "set_config":
            for t in p:
                if t.kind == STRING and protected_text(t.text):
                    return protected_text(t.text)
    return ""


def protected_text(text):
    """Judges a text that may be the first argument of set_config."""
    if not text or len(text) > 63:
        return ""
    return "unsupported:setting" if text.lower() in GUARDS else protected_setting(text)


def blocks(p, verb):
    """Why live work would wait for the lock that a statement takes on tables,
    or on what belongs to them; "" when it would not."""
    if verb in ("truncate", "alter", "drop", "refresh", "reassign"):
        return f"unsupported:{verb}"
    return _creates(p) if verb == "create" else ""


def _creates(p):
    """Refuses to make what belongs to an existing table. What is temporary is
    the shadow's own."""
    replaces = p.has("create", "or", "replace")
    at = 3 if replaces else 1
    while p.word(at) in ("global", "local", "unique", "constraint", "unlogged"):
        at += 1
    kind = p.word(at)
    if kind in ("index", "trigger", "rule", "policy", "statistics", "publication", "event"):
        return f"unsupported:create-{kind}"
    if kind in ("table", "foreign") and p.has_any("references", "partition", "inherits"):
        return "unsupported:create-table"
    if kind in ("view", "recursive") and replaces:
        return "unsupported:create-view"
    if kind == "schema" and any(t.kind == WORD and t.text == "create" for t in p[1:]):
        return "unsupported:create-schema"
    return ""


# Settings that change no answer, whoever they outlive.
_BOUNDS = GUARDS | {"transaction_timeout", "synchronous_commit", "work_mem", "application_name"}


def leaks(p, verb):
    """What a statement leaves behind that a COMMIT would have ended, and a
    RELEASE does not; "" when nothing."""
    if verb == "set" and p.word(1) == "local" and p.name(2) not in _BOUNDS:
        return "set-local"
    if verb == "set" and p.word(1) == "constraints":
        return "set-constraints"
    if verb == "declare" and not p.has("with", "hold"):
        return "cursor"
    if verb == "create" and (p.has("on", "commit", "drop") or p.has("on", "commit", "delete")):
        return "on-commit"
    return "set-local" if _sets_locally(p) else ""


def _sets_locally(p):
    """Whether p calls set_config for the transaction, or does not show that it
    is for the session."""
    for i in range(len(p)):
        if p.name(i).lower() == "set_config" and p.is_other(i + 1, "("):
            end = _closing(p, i + 1)
            if p.word(end - 1) != "false" or not p.is_other(end - 2, ","):
                return True
    return False


def _closing(p, at):
    depth = 0
    for i in range(at, len(p)):
        if p[i].kind == OTHER and p[i].text in "()":
            depth += 1 if p[i].text == "(" else -1
        if depth == 0:
            return i
    return len(p)
