"""Where shadows get their sessions: each that writes has a fresh one, and one
is kept ready."""

import copy
import logging
import threading
import time
from contextlib import contextmanager

import psycopg2
from django.core.exceptions import ImproperlyConfigured
from django.db import Error as DjangoError
from django.db import connections

from . import prepared
from .errors import ArmError, Unreachable
from .session import Session, instant

log = logging.getLogger("quack_shadow")

CONNECT_TIMEOUT = 5  # seconds
SPARE_AGE = 60  # seconds: settings of roles change, and firewalls forget idle connections
GONE_TIMEOUT = 2  # seconds that the end of a session is looked for
GONE_RETRY = 0.05  # seconds after a look that failed until the next
_SERVER = "pg_catalog.pg_postmaster_start_time()"


class _OtherServer(Unreachable):
    """It does not help to ask again."""


class Sessions:
    """alias is of the application's database, direct overrides its settings."""

    def __init__(self, alias, direct):
        self._alias, self._direct = alias, direct
        self._lock, self._spares, self._readers, self._filling = threading.Lock(), [], [], False
        wrapper = connections.create_connection(alias)
        if not hasattr(wrapper, "quack_fresh"):
            raise ImproperlyConfigured(
                f"the database {alias!r} has ENGINE {wrapper.settings_dict['ENGINE']!r}, by which shadows would write for real\n"
                "  set it to 'quack_shadow.postgresql'"
            )

    def take(self, reading=False):
        """A session whose transaction has not been begun."""
        while True:
            with self._lock:
                stock = self._readers if reading else self._spares
                s = stock.pop() if stock else None
            if s is None:
                return self.open()
            if not s.conn.closed and time.monotonic() - s.opened < SPARE_AGE:
                return s
            s.conn.hang_up()

    def give_back(self, session):
        """Keeps the session of a reading shadow, which has left nothing behind,
        for the next one."""
        session.conn.disown()
        session.conn.own(None)
        with self._lock:
            if not self._readers:
                self._readers.append(session)
                return
        session.conn.hang_up()

    def refill(self):
        """Makes a spare in the background, when there is none."""
        with self._lock:
            if self._spares or self._filling:
                return
            self._filling = True
        threading.Thread(target=self._fill, name="quack-shadow-spare", daemon=True).start()

    def _fill(self):
        try:
            session = self.open()
            with self._lock:
                self._spares.append(session)
        except Exception as e:
            log.warning("make a spare session for shadow writes: %s", e)
        finally:
            with self._lock:
                self._filling = False

    def open(self):
        """Connects as Django does, receivers of connection_created and all."""
        wrapper = self._wrapper()
        wrapper.quack_fresh = True
        try:
            wrapper.connect()
        except (DjangoError, psycopg2.Error) as e:
            raise ArmError(f"open a session for a shadow: {e}") from e
        session = Session(wrapper.connection)
        try:
            session.prepare()
        except Exception:
            wrapper.connection.hang_up()
            raise
        return session

    def _wrapper(self):
        wrapper = connections.create_connection(self._alias)
        settings = copy.deepcopy(wrapper.settings_dict)
        options = {"connect_timeout": CONNECT_TIMEOUT, **settings["OPTIONS"], **self._direct.get("OPTIONS", {})}
        wrapper.settings_dict = {**settings, **self._direct, "OPTIONS": options}
        return wrapper

    def connect(self):
        """An ordinary connection of psycopg2, for what no shadow does."""
        return psycopg2.connect(**self._wrapper().get_connection_params())

    def gone(self, s):
        """Ends a session from outside and returns when the server has it no
        more; raises when that can not be told. A server that has crashed is
        asked again while it recovers."""
        until = time.monotonic() + GONE_TIMEOUT
        while True:
            try:
                with self._asking() as c:
                    return self._end(c, s)
            except Unreachable as e:
                if isinstance(e, _OtherServer) or time.monotonic() > until:
                    raise
            time.sleep(GONE_RETRY)

    @contextmanager
    def _asking(self):
        """A cursor of a new connection. Unreachable says that there was none, or
        that it broke."""
        try:
            connection = self.connect()
        except psycopg2.OperationalError as e:
            raise Unreachable(f"ask the server by another session: {e}") from e
        try:
            connection.autocommit = True
            with connection.cursor() as c:
                yield c
        except psycopg2.Error as e:
            if connection.closed:
                raise Unreachable(f"ask the server by another session: {e}") from e
            raise
        finally:
            connection.close()

    def _end(self, c, s):
        which = f" FROM pg_catalog.pg_stat_activity WHERE pid = %s AND {instant('backend_start')} = %s"
        here = f" AND {instant(_SERVER)} = %s"  # a name may stand for several servers
        c.execute("SELECT pg_catalog.pg_terminate_backend(pid)" + which + here, (s.pid, s.started, s.server))
        until = time.monotonic() + GONE_TIMEOUT
        while time.monotonic() < until:
            c.execute(f"SELECT count(*)::int, {instant(_SERVER)} = %s" + which, (s.server, s.pid, s.started))
            n, same = c.fetchone()
            if not same:
                raise _OtherServer(f"look for the session {s.pid}: this is another server")
            if n == 0 and s.gid:  # and what it may have prepared
                return prepared.settle(c, s.gid, s.xid)
            if n == 0:
                return None
            time.sleep(0.002)
        raise ArmError(f"the session {s.pid} is still there after {GONE_TIMEOUT} s")
