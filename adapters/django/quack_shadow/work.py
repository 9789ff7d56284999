"""How the application's statements and transactions are run inside of a
shadow's one transaction: each is a savepoint."""

import logging

import psycopg2

from . import admit
from .driver import IDLE, INERROR
from .errors import SessionLost
from .footprint import Ledger
from .layers import layers
from .refuse import OUR_PREFIX
from .session import CANCELLED, FUSE, LOCK, PROCEDURE, READ_ONLY

log = logging.getLogger("quack_shadow")

# Above 64 subtransactions with an id of their own, snapshots become slow in
# the whole cluster (PGPROC_MAX_CACHED_SUBXIDS).
MAX_WRITERS = 60


class Mark:
    """A savepoint and the books at its time."""

    def __init__(self, name, books):
        self.name, self.books = name, books


class Work:
    """Belongs to who has the shadow's turn.

    tx         the application's open transaction
    savepoints  those that the application has made by SQL, in their order
    unchecked  something may wait for a deferred constraint
    leaked     what the last COMMIT of the application should have ended
    prepared   it has prepared statements, which no rollback takes back
    """

    def __init__(self, shadow):
        self.shadow, self.books = shadow, Ledger()
        self.tx, self.savepoints = None, []
        self.unchecked = self.prepared = False
        self.leaked = ""
        self._open = ""  # savepoint of the last statement, released before the next
        self._serial = self._writers = 0
        self._leak = ""  # what the open transaction will leave behind

    @property
    def _conn(self):
        return self.shadow.session.conn

    def run(self, sql, send):
        statements, sql = admit.admit(self, sql)
        if self.tx is None and not self._conn.autocommit:
            self._begin()
        alone = self._before(statements) if self.tx is None else None
        for s in statements:
            if s.savepoint:
                self._before_savepoint(s)
        if self.shadow.writes and any(s.writes for s in statements):
            self.books.stale = self.unchecked = True
        try:
            result = send(sql)
        except psycopg2.Error as e:
            self._watch(statements, e)
            self._observe(statements, e)
            if alone:
                self._undo_alone(alone)
            raise
        self._watch(statements, None)
        self._after_savepoints(statements)
        if alone:
            self._after(alone)
        return result

    def outlives(self, leak):
        """Keeps in mind what a statement leaves behind."""
        if self.tx is None and self._conn.autocommit:
            self.leaked = leak
        else:
            self._leak = leak

    # Statements outside of a transaction.

    def _before(self, statements):
        if any(s.savepoint for s in statements):
            raise self.shadow.refuse("unsupported:savepoint-outside-transaction")
        if any(s.writes for s in statements):
            self._count()
        return self._savepoint()

    def _after(self, mark):
        """Ends the savepoint of a statement as its commit."""
        try:
            if self.unchecked:
                self._check_deferred()
        except psycopg2.Error:
            self._undo_alone(mark)
            raise
        self._open = mark.name

    def _undo_alone(self, mark):
        if self.shadow.over:
            return  # the whole transaction is rolled back
        if self._conn.state() == INERROR:
            self._back_to(mark)
        self._open = mark.name

    # Transactions of the application.

    def _begin(self):
        self._count()
        if self.leaked:
            self.shadow.note("unsupported:" + self.leaked)
        self.tx, self._leak, self.savepoints = self._savepoint(), "", []

    def commit(self):
        """Releases the savepoint. First it fires the deferred constraints, and
        fails as a commit would."""
        if self.tx is None:
            return
        if self._conn.state() == INERROR:  # the server would roll back and say nothing
            self.rollback()
            return
        if self.unchecked:
            try:
                self._check_deferred()
            except psycopg2.Error:
                self.rollback()
                raise
        self._open, self.tx, self.savepoints = self.tx.name, None, []
        self.leaked = self._leak or self.leaked

    def rollback(self):
        if self.tx is None:
            return
        mark, self.tx, self.savepoints = self.tx, None, []
        self._back_to(mark)
        self._open = mark.name

    # Savepoints that the application makes by SQL, as Django's atomic does.

    def _before_savepoint(self, s):
        if s.savepoint[0] == "savepoint":
            self._count()
            if self.books.stale:
                self.read_books()

    def _after_savepoints(self, statements):
        if len(statements) > 1 and any(s.savepoint for s in statements):
            self.books.lost = True  # they were not seen one by one
            return
        for s in statements:
            if s.savepoint:
                self._book(*s.savepoint)

    def _book(self, what, name):
        if what == "savepoint":
            self.savepoints.append(Mark(name, self.books.mark()))
            return
        at = max((i for i, m in enumerate(self.savepoints) if m.name == name), default=None)
        if at is None:
            self.books.lost = True
        elif what == "release":
            del self.savepoints[at:]
        else:
            if self.books.stale:
                self.read_books()
            self.books.undone(self.savepoints[at].books)
            del self.savepoints[at + 1 :]

    # Savepoints of our own.

    def _count(self):
        self._writers += 1
        if self._writers > MAX_WRITERS:
            raise self.shadow.refuse("unsupported:too-many-statements")

    def _savepoint(self):
        """Makes a savepoint; what the last statement has left open is released
        on the way, and the books are read when they are stale."""
        self._serial += 1
        name = f"{OUR_PREFIX}{self._serial}"
        sql = f"{f'RELEASE {self._open};' if self._open else ''}SAVEPOINT {name};"
        self._open = ""
        if self.books.stale:
            self.read_books(sql)
        else:
            self.control(sql)
        return Mark(name, self.books.mark())

    def _back_to(self, mark):
        """Goes back to a savepoint, which stays, and puts the books right."""
        sql = f"ROLLBACK TO {mark.name};"
        for last in (False, True):  # a cancel request that comes late may hit the first
            try:
                self.read_books(sql) if self.books.stale else self.control(sql)
                break
            except psycopg2.Error as e:
                if last or e.pgcode != CANCELLED:
                    raise
        self.books.undone(mark.books)

    def read_books(self, before=""):
        try:
            _, rows = self.shadow.session.counts(before)
        except psycopg2.Error as e:
            self._watch([], e, ours=True)
            raise
        self.books.read(rows)

    def control(self, sql):
        """Runs statements of our own."""
        try:
            return self._conn.send(sql)
        except psycopg2.Error as e:
            self._watch([], e, ours=True)
            raise

    def _check_deferred(self):
        self.unchecked = False
        if self.shadow.session.deferrable:
            self.books.stale = True  # a trigger may write
            admit.check_deferred(self)

    # The watch.

    def _watch(self, statements, error, ours=False):
        """Looks at where work has left the session. An idle one, or the fuse's
        own error, means that the transaction has ended: whatever let that
        happen, the session is closed and nothing more is sent."""
        if not layers.watch:
            return
        if self._conn.closed:
            raise self._lost(error)
        missing = ours and error is not None and error.pgcode in ("3B001", "25P01")
        if self._conn.state() == IDLE or missing or error is not None and error.pgcode == FUSE:
            raise self.escaped("chain" if missing else admit.verb(statements)) from error

    def escaped(self, verb):
        """Is called when the transaction has been ended behind our back."""
        error = self.shadow.refuse("escape:" + verb)
        log.error(
            "the transaction of shadow request %s has ended: something may have been written\n"
            "  compare the tables of this request with what live requests have written",
            self.shadow.id,
        )
        self._conn.hang_up()
        return error

    def _lost(self, error):
        text = f"quack_shadow: the shadow's session is gone: {error or 'the connection is closed'}"
        self.shadow.poison(lambda: SessionLost(text))
        if not self.shadow.over:
            self.shadow.note("unsupported:session-lost")
        return SessionLost(text)

    def _observe(self, statements, error):
        """Notes errors that say something about the shadow."""
        if error.pgcode == READ_ONLY and not self.shadow.writes:
            self.shadow.note("write:" + READ_ONLY + admit.detail(statements))
        # COMMIT or ROLLBACK in a procedure, which is not called by itself here; in
        # a transaction it fails live as well.
        if error.pgcode == PROCEDURE and self.tx is None:
            self.shadow.note("unsupported:procedure")
        # Not NOWAIT, with which the application itself asked for it.
        if error.pgcode == LOCK and error.diag.source_function == "ProcessInterrupts":
            self.shadow.note("unsupported:lock-timeout")
