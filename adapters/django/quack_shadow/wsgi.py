"""The adapter: what an application's WSGI handler is wrapped in."""

import hashlib
import inspect
import logging
import threading
import time

import psycopg2
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import request_finished

from . import mail, prepared, scope, signing
from .config import Config
from .errors import ArmError
from .finish import Ending, finish
from .handling import Handling, failed
from .hello import Proof, armed
from .sessions import Sessions
from .shadow import Shadow, rank

log = logging.getLogger("quack_shadow")

_SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")
_CARRIED = {
    "HTTP_QUACK_REQUEST_ID": "Quack-Request-Id",
    "HTTP_QUACK_CONTEXT": "Quack-Context",
    "HTTP_TRACEPARENT": "Traceparent",
    "HTTP_TRACESTATE": "Tracestate",
}
_UID = "quack_shadow"
_BEFORE = (
    "a query came before the adapter: in a shadow it is live\n"
    "  make quack_shadow.Adapter the outermost of what wraps the WSGI application"
)


class Adapter:
    """Runs shadow requests so that they leave nothing behind, and passes all
    others on:

        application = quack_shadow.Adapter(get_wsgi_application())

    It has to be the outermost: what is outside of it runs live."""

    def __init__(self, app, config=None):
        if inspect.iscoroutinefunction(app) or inspect.iscoroutinefunction(getattr(app, "__call__", None)):
            raise ImproperlyConfigured(
                "quack_shadow.Adapter wraps WSGI applications, and this one is ASGI\n"
                "  serve shadows by get_wsgi_application(), from a server of their own if need be; see docs/django.md"
            )
        self._app, self._config = app, Config() if config is None else config
        self.codec = signing.Codec(self._config.secrets)
        self.sessions = Sessions(self._config.database, self._config.direct)
        self._proof = Proof(self.sessions, self._config.lock_timeout)
        self._writing = threading.Semaphore(self._config.max_shadows)
        self._reading = threading.Semaphore(self._config.max_readers)
        mail.install()
        request_finished.connect(_request_finished, dispatch_uid=_UID)
        prepared.Sweeper(self.sessions.connect)

    def __call__(self, environ, start_response):
        stray = scope.take_stray()
        if _path(environ) == signing.HELLO_PATH.encode():
            return self._hello(environ, start_response, stray)
        if "HTTP_QUACK_SHADOW" in environ:
            return self._shadowed(environ, start_response, stray)
        return self._ordinary(environ, start_response)

    def _ordinary(self, environ, start_response):
        served = self._scope(environ)
        if served.baggage and environ["REQUEST_METHOD"] not in _SAFE:  # the shadow that caused it would write for real
            log.warning("refused a write that a shadow request has caused: %s", served.id)
            text = "quack_shadow: a shadow request must not cause a live write"
            return failed(text, "409 Conflict").send(start_response, [])
        scope.enter(served)
        return self._app(environ, start_response)

    def _scope(self, environ, shadow=None):
        id = environ.get("HTTP_QUACK_REQUEST_ID", "")
        id = id if signing.valid_id(id) else ""
        context = self.codec.read_context(id, environ.get("HTTP_QUACK_CONTEXT", "")) if id else None
        readonly = context.readonly if context else environ.get("HTTP_QUACK_READ_ONLY") == "1"
        baggage = self.codec.nested(environ.get("HTTP_BAGGAGE", ""))
        carried = {name: environ[key] for key, name in _CARRIED.items() if key in environ}
        if shadow is not None:
            baggage = self.codec.nested_mark(shadow.id)
        return scope.Scope(id, context, readonly, baggage, carried, shadow)

    # The proof.

    def _hello(self, environ, start_response, stray):
        if "HTTP_QUACK_SHADOW" not in environ:
            return failed("Not Found", "404 Not Found").send(start_response, [])
        try:
            m, _ = self._verified(environ)
            if m.mode != "hello" or environ["REQUEST_METHOD"] != "GET":
                raise signing.Refused(f"{environ['REQUEST_METHOD']} of the path of hello with mode {m.mode!r}")
        except signing.Refused as e:
            return self._forbid(start_response, e)
        try:
            if stray:
                raise ArmError(_BEFORE)
            reason = self._proof.show()
        except ArmError as e:
            log.error("this service can not roll shadow writes back: %s", e)
            return failed(f"quack_shadow: not ready: {e}", "503 Service Unavailable").send(start_response, [])
        start_response("204 No Content", [("Quack-Shadow-Result", self.codec.result(m.id, "ready", reason))])
        return [b""]

    def _prepares(self):
        try:
            return self._proof.show() == "prepare"
        except ArmError:
            return False

    # Shadows.

    def _shadowed(self, environ, start_response, stray):
        began = time.monotonic()
        try:
            m, body = self._verified(environ)
            if m.mode == "hello":
                raise signing.Refused(f"mode=hello is answered at {signing.HELLO_PATH} only")
            if m.mode == "prepare" and not self._prepares():
                raise signing.Refused("mode=prepare is for instances whose hello says reason=prepare")
        except signing.Refused as e:
            return self._forbid(start_response, e)
        if stray:
            log.error("shadow request %s was not run: %s", m.id, _BEFORE)
            return self._acknowledge(start_response, m, Ending(stray == "read", "unsupported:query-before"))
        if body is None:
            return self._acknowledge(start_response, m, Ending(True, "unsupported:body-size"))
        return self._run(environ, start_response, m, began, body)

    def _verified(self, environ):
        """The request's Quack-Shadow, which is vouched for, and its body; None
        for a body that was too long to keep."""
        m = self.codec.read_shadow(environ["HTTP_QUACK_SHADOW"])
        body, digest = _read_body(environ, self._config.max_body)
        query = environ.get("QUERY_STRING", "")
        self.codec.verify_shadow(m, environ["REQUEST_METHOD"], _path(environ), query, digest)
        return m, body

    def _forbid(self, start_response, error):
        log.warning("refused a shadow request: %s", error)
        return failed(f"quack_shadow: refused: {error}", "403 Forbidden").send(start_response, [])

    def _run(self, environ, start_response, m, began, body):
        writes = m.mode != "readonly"
        most = self._config.wall_cap if writes else self._config.read_cap
        deadline = began + (min(m.seconds, most) or most)
        places = self._writing if writes else self._reading
        if not places.acquire(timeout=0 if writes else max(deadline - time.monotonic(), 0)):
            return self._acknowledge(start_response, m, Ending(True, "unsupported:busy"))
        try:
            shadow = self._start(m, deadline)
        except ArmError as e:
            places.release()
            log.error("shadow request %s was not run: %s", m.id, e)
            return self._acknowledge(start_response, m, Ending(True, e.reason))
        served = self._scope(environ, shadow)
        view = Handling(self._app, environ, body, self._config.max_body, served, self._config.database, places.release)
        view.start()
        answered = view.done.wait(max(deadline - time.monotonic(), 0))
        if not answered:
            shadow.note("budget")
        until = min(began + most, deadline + 0.05)  # Quack waits 100 ms beyond the budget
        ending = finish(shadow, self.sessions, m.gid, until)
        if writes:  # not earlier: connecting would take the interpreter from the view
            self.sessions.refill()
        return self._acknowledge(start_response, m, ending, view.answer if answered else None)

    def _start(self, m, deadline):
        """A shadow that may run: one that writes is armed, a reading one gets
        its session with its first statement."""
        if m.mode == "readonly":
            return Shadow(m.id, m.mode, lambda shadow: self._attach(shadow, deadline))
        shadow = Shadow(m.id, m.mode)
        try:
            shadow.session = armed(self.sessions, deadline - time.monotonic(), self._config.lock_timeout)
            if shadow.session.conn.server_version < 150000:  # the statistics have what was written before
                shadow.work.books.read(shadow.session.counts()[1])
                shadow.work.books.void_all()
        except psycopg2.Error as e:
            raise ArmError(f"arm a shadow's session: {e}") from e
        shadow.session.conn.own(shadow)
        return shadow

    def _attach(self, shadow, deadline):
        try:
            session = self.sessions.take(reading=True)
            session.begin_reading(max(deadline - time.monotonic(), 0), self._config.lock_timeout)
        except ArmError as e:
            shadow.note(e.reason)
            raise psycopg2.OperationalError(f"quack_shadow: {e}") from e
        session.conn.own(shadow)
        return session

    def _acknowledge(self, start_response, m, ending, answer=None):
        """Answers without an acknowledgement when the rollback could not be
        confirmed: with 503 when that is because there is no server to ask, so that
        Quack takes it for unconfirmed; else, and for every escape, with a status
        that nothing between here and Quack answers with for reasons of its own.
        Without an answer of the application's when there is none."""
        reason = ending.reason
        if not ending.rolled_back:
            why = f" ({reason})" if reason else ""
            away = ending.unreachable and rank(reason) < rank("escape")
            status = "503 Service Unavailable" if away else "500 Internal Server Error"
            return failed("quack_shadow: the rollback could not be confirmed" + why, status).send(start_response, [])
        if answer is None:
            answer = failed(f"quack_shadow: nothing to compare: {reason}", "503 Service Unavailable")
        if answer.too_long and not reason:
            reason = "unsupported:answer-size"
        marks = [("Quack-Shadow-Result", self.codec.result(m.id, "rolled-back", reason))]
        if ending.footprint is not None:
            marks.append(("Quack-Footprint", ending.footprint))
        return answer.send(start_response, marks)


def _path(environ):
    return (environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")).encode("latin-1")


def _read_body(environ, limit):
    """Reads the body to its end: what there is of it, None when that is more
    than limit, and its SHA-256 in hex."""
    left = None if environ.get("wsgi.input_terminated") else int(environ.get("CONTENT_LENGTH") or 0)
    kept, size, total = [], 0, hashlib.sha256()
    while left is None or left > 0:
        chunk = environ["wsgi.input"].read(1 << 16 if left is None else min(left, 1 << 16))
        if not chunk:
            break
        total.update(chunk)
        size += len(chunk)
        left = None if left is None else left - len(chunk)
        if size <= limit:
            kept.append(chunk)
    return (None if size > limit else b"".join(kept)), total.hexdigest()


def _request_finished(**_):
    """Marks the thread as between two requests. It has to be the last receiver,
    because others may use the database."""
    scope.leave()
    if request_finished.receivers[-1][0][0] != _UID:
        request_finished.disconnect(dispatch_uid=_UID)
        request_finished.connect(_request_finished, dispatch_uid=_UID)
