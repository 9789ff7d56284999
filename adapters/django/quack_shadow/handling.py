"""A view that runs for a shadow, in a thread of its own: at the budget it is not
waited for. In a new thread Django has no connection yet, so that the ones of
live requests are not touched."""

import hashlib
import io
import logging
import threading
from base64 import b64encode

from django.db import connections

from . import scope
from .postgresql import mixin

log = logging.getLogger("quack_shadow")


class Answer:
    """What a WSGI application answers, kept until its transaction has been
    rolled back."""

    def __init__(self, limit):
        self.status, self.headers = "", []
        self._limit, self._size, self._kept, self._sum = limit, 0, io.BytesIO(), hashlib.sha256()

    def start_response(self, status, headers, exc_info=None):
        self.status, self.headers = status, list(headers)
        return self.write

    def write(self, chunk):
        self._size += len(chunk)
        self._sum.update(chunk)
        if self._size <= self._limit:
            self._kept.write(chunk)

    @property
    def too_long(self):
        return self._size > self._limit

    def send(self, start_response, marks):
        """A body that was too long to keep is left out; Repr-Digest (RFC 9530)
        speaks for it."""
        headers = [(k, v) for k, v in self.headers if k.lower() not in ("quack-shadow-result", "quack-footprint")]
        if self.too_long:
            headers = [(k, v) for k, v in headers if k.lower() != "content-length"]
            headers += [("Content-Length", "0"), ("Repr-Digest", f"sha-256=:{b64encode(self._sum.digest()).decode()}:")]
        start_response(self.status, headers + marks)
        return [b"" if self.too_long else self._kept.getvalue()]


def failed(text, status="500 Internal Server Error"):
    """An answer of our own."""
    body = (text + "\n").encode()
    answer = Answer(len(body))
    answer.start_response(status, [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))])
    answer.write(body)
    return answer


class Handling:
    """body is the request's, read already. after is called when the view has
    returned, however late that is."""

    def __init__(self, app, environ, body, limit, served, alias, after):
        self._app, self._alias, self._served, self._after = app, alias, served, after
        self._environ = {k: v for k, v in environ.items() if k != "wsgi.file_wrapper"}
        self._environ["wsgi.input"] = io.BytesIO(body)
        self.answer, self.done = Answer(limit), threading.Event()

    def start(self):
        threading.Thread(target=self._serve, name=f"quack-shadow-{self._served.shadow.id}", daemon=True).start()

    def _serve(self):
        shadow = self._served.shadow
        try:
            scope.enter(self._served)
            scope.begin(shadow)
            mixin.install(self._alias, shadow, connections)
            self._collect()
        except BaseException:
            log.exception("the application failed in shadow request %s", shadow.id)
            self.answer = failed("Internal Server Error")
        finally:
            scope.finish(shadow)
            self.done.set()
            self._after()

    def _collect(self):
        chunks = self._app(self._environ, self.answer.start_response)
        try:
            for chunk in chunks:
                self.answer.write(chunk)
        finally:
            if hasattr(chunks, "close"):
                chunks.close()
