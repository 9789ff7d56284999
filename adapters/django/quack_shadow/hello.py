"""The proof that shadows are rolled back here: a real session is armed, and
once a minute its fuse and its belt are tried."""

import logging
import secrets
import threading
import time

import psycopg2

from . import prepared
from .driver import IDLE
from .errors import ArmError
from .session import FUSE, READ_ONLY, literal

log = logging.getLogger("quack_shadow")

PROOF_FOR, FAILURE_FOR = 4, 1  # seconds that one proof answers for
DRILL_EVERY = 60  # seconds; a drill leaves two errors in the server's log
_TIMEOUT = 3.0


class Proof:
    def __init__(self, sessions, lock_timeout):
        self._sessions, self._lock_timeout = sessions, lock_timeout
        self._lock = threading.Lock()
        self._until = self._drilled = float("-inf")
        self._error, self._prepare = None, False

    def show(self):
        """Returns "prepare" when transactions can be prepared here too, else "";
        raises ArmError when shadows can not be rolled back."""
        with self._lock:
            if time.monotonic() >= self._until:
                self._renew()
            if self._error is not None:
                raise ArmError(str(self._error))
            return "prepare" if self._prepare else ""

    def _renew(self):
        whole = self._error is not None or time.monotonic() - self._drilled >= DRILL_EVERY
        try:
            self._drill(whole)
        except (ArmError, psycopg2.Error) as e:
            self._error, self._until = e, time.monotonic() + FAILURE_FOR
            return
        self._error, self._until = None, time.monotonic() + PROOF_FOR
        if whole:
            self._drilled = time.monotonic()
        self._sessions.refill()

    def _drill(self, whole):
        """Arms a session and, when it is a whole drill, tries to commit, as an
        application would that has got past the interception."""
        s = armed(self._sessions, _TIMEOUT, self._lock_timeout)
        try:
            if not whole:
                return
            refused = s.refusal("COMMIT")
            if refused != FUSE:
                raise ArmError(
                    f"the fuse did not refuse a COMMIT ({refused or 'it was accepted'})\n"
                    "  install it anew: quack txshadow install"
                )
            if s.conn.state() != IDLE:
                raise ArmError(f"after the fuse the session has status {s.conn.state()}")
            refused = s.refusal("INSERT INTO txshadow.fuse (nonce) VALUES ('drill')")
            if refused != READ_ONLY:
                raise ArmError(f"the session did not refuse to write after its transaction ({refused or 'accepted'})")
            self._prepare = prepared.able(s) and self._rehearse(s)
        finally:
            s.conn.hang_up()

    def _rehearse(self, s):
        """Prepares a transaction and rolls it back."""
        gid = literal(f"txshadow-hello-{secrets.randbelow(10**18)}")
        try:
            s.arm(secrets.token_hex(16), _TIMEOUT, self._lock_timeout)
            s.conn.send(f"SET LOCAL txshadow.probe ={literal(s.nonce)};PREPARE TRANSACTION {gid}")
            s.conn.send(f"ROLLBACK PREPARED {gid}")
        except (ArmError, psycopg2.Error) as e:
            log.warning("write sets are not shown: a transaction can not be prepared here: %s", e)
            return False
        return True


def armed(sessions, budget, lock_timeout):
    """A session whose transaction can not commit."""
    for last in (False, True):
        s = sessions.take()
        try:
            s.arm(secrets.token_hex(16), budget, lock_timeout)
            return s
        except Exception:
            cut = s.conn.closed  # the spare had been cut off while it waited
            s.conn.hang_up()
            if last or not cut:
                raise
