"""Statements of the application's SQL, and what a shadow has to know of each
before it is sent."""

from . import refuse
from .lexer import SEMICOLON, Unterminated, tokens
from .phrase import Phrase

# The first keywords that may be sent. What is not here is refused.
_KNOWN = frozenset(
    """select insert update delete merge with values table copy create alter drop truncate
    comment grant revoke set reset show explain analyze call do declare fetch move close prepare execute deallocate
    lock notify unlisten refresh reindex cluster security import reassign savepoint release rollback""".split()
)


class Statement:
    """One statement.

    start, end  characters of it in the SQL
    verb        its first keyword, "" when there is none
    table       what INSERT INTO, UPDATE and DELETE FROM name, as written
    refusal     why it is not sent, "" when it may be
    blocks      why it is not sent by a shadow that may write; a READ ONLY
                transaction refuses it by itself
    guard       the protecting setting that it sets, and guard_to what to: None
                when that is not plain
    savepoint   (savepoint | release | rollback, name), None for others
    all_immediate  SET CONSTRAINTS ALL IMMEDIATE, which would fire the fuse
    writable    SET TRANSACTION READ WRITE and its like
    isolation   the level that SET TRANSACTION asks for, "" when it asks for none
    executes    the name of the prepared statement of an EXECUTE
    writes      it may change rows, as far as the text shows
    leak        what outlives the application's COMMIT here, and would not otherwise
    """

    def __init__(self, words):
        self.start, self.end = words[0].start, words[-1].end
        self.guard = self.guard_to = self.savepoint = None
        self.all_immediate = self.writable = False
        self.isolation = ""
        p = Phrase(words)
        while len(p) > 1 and p.is_other(0, "("):
            del p[0]
        self.verb = p.word(0)
        self.table = p.target(self.verb)
        self.refusal = (
            refuse.control(p, self) or ("" if self.verb in _KNOWN else "unsupported:statement") or refuse.beyond_reach(p)
        )
        self.blocks = refuse.blocks(p, self.verb)
        self.writes = p.may_write(self.verb)
        self.leak = refuse.leaks(p, self.verb)
        self.executes = p.name(1) if self.verb == "execute" else ""


def split(sql, backslash=False):
    """Cuts SQL into its statements; empty ones are left out. What has no end,
    or begins with no keyword that is known, is refused."""
    found, words = [], []
    try:
        for t in tokens(sql, backslash):
            if t.kind != SEMICOLON:
                words.append(t)
            elif words:
                found.append(Statement(words))
                if Phrase(words).has("begin", "atomic"):
                    break  # the body has semicolons and an END of its own
                words = []
    except Unterminated as e:
        broken = Statement([next(tokens("?"))])
        broken.start, broken.end, broken.verb, broken.refusal = e.at, len(sql), "?", "unsupported:syntax"
        return found + [broken]
    if words:
        if not found or found[-1].end < words[0].start:
            found.append(Statement(words))
        if Phrase(words).has("begin", "atomic"):
            found[-1].refusal = "unsupported:begin-atomic"
    return found
