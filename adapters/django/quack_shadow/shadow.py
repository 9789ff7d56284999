"""One shadow request under way: everything that its view sends to the database
goes through it, on one session, one statement at a time."""

import logging
import threading
from collections import Counter
from contextlib import contextmanager

from .errors import ShadowOver, ShadowRefused
from .work import Work

log = logging.getLogger("quack_shadow")

_RANKS = {"escape": 4, "write": 3, "budget": 2, "unsupported": 1}


def rank(reason):
    """Orders reasons: a graver one replaces a lesser one, else the first stays."""
    return _RANKS.get(reason.partition(":")[0], 0)


class Shadow:
    """id and mode are of the request. session is set before the view runs, or,
    for a reading shadow, by attach when the first statement comes."""

    def __init__(self, id, mode, attach=None):
        self.id, self.mode = id, mode
        self.session, self._attach = None, attach
        self.effects = Counter()  # what was recorded instead of done
        self.turn = threading.RLock()  # who holds it uses the session
        self.work = Work(self)
        self._lock = threading.Lock()
        self._reason, self._over, self._poison = "", False, None

    @property
    def writes(self):
        """Whether it runs in a transaction that may write."""
        return self.mode != "readonly"

    @property
    def reason(self):
        with self._lock:
            return self._reason

    @property
    def over(self):
        return self._over

    def note(self, reason):
        """Keeps the reason that the acknowledgement will give."""
        with self._lock:
            if rank(reason) > rank(self._reason):
                self._reason = reason

    def refuse(self, reason):
        """Notes the reason and returns the error for the application. After an
        attempt to escape nothing more is sent."""
        error = ShadowRefused(reason)
        self.note(reason)
        if rank(reason) == rank("escape:"):
            log.error("shadow request %s tried to end its transaction: %s", self.id, reason)
            self.poison(lambda: ShadowRefused(reason))
        return error

    def poison(self, error):
        """error makes what every further statement gets."""
        with self._lock:
            self._poison = self._poison or error

    def record(self, kind, detail=""):
        """Counts something that is left out because this is a shadow."""
        with self._lock:
            if not self._over:
                self.effects[f"{kind}:{detail}" if detail else kind] += 1

    def end(self):
        """Stops the shadow: nothing more is sent."""
        with self._lock:
            self._over = True

    def check(self):
        """Raises when nothing more is sent."""
        with self._lock:
            if self._over:
                raise ShadowOver()
            if self._poison is not None:
                raise self._poison()

    @contextmanager
    def entered(self):
        """Waits for the session to be free, and sees to it that there is one."""
        with self.turn:
            self.check()
            if self.session is None:
                self.session = self._attach(self)
            yield

    def connection(self):
        """The driver's connection, for Django."""
        with self.entered():
            return self.session.conn

    # What the driver's connection and cursors call.

    def statement(self, sql, send):
        """Judges sql, which is bytes as psycopg2 would send them, and sends it
        by send."""
        with self.entered():
            return self.work.run(sql, send)

    def in_transaction(self):
        with self.entered():
            return self.work.tx is not None

    def commit(self):
        with self.entered():
            self.work.commit()

    def rollback(self, quiet=False):
        try:
            with self.entered():
                self.work.rollback()
        except (ShadowOver, ShadowRefused):
            if not quiet:
                raise
