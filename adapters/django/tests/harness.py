"""Shadows of the test app on a real database, in this process. TEST_DATABASE_URL names a
database with the tables of testdata/schema.sql and the fuse; the Go test of this folder makes one."""

import base64
import hashlib
import io
import itertools
import logging
import os
import pathlib
import re
import sys
import time
import unittest

import psycopg2

DSN = os.environ.get("TEST_DATABASE_URL", "")
SECRET = "a secret of tests that is long enough"

if DSN:
    os.environ.update(DATABASE_URL=DSN, QUACK_SHADOW_SECRET=SECRET, WALL_CAP_MS="10000")
    sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "testapp"))
    import app
    from django.core import mail
    from django.db import connection
    from django.http import HttpResponse
    from django.urls import clear_url_caches, path

INSERT = "INSERT INTO items (name) VALUES (md5(random()::text))"
_ids = itertools.count(1)


logging.getLogger("quack_shadow").addHandler(logging.NullHandler())  # what is refused here is meant to be


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = int(status.split()[0]), dict(headers), body
        result = re.match(r"v1;id=[^;]*;outcome=([^;]*);reason=([^;]*);sig=", self.headers.get("Quack-Shadow-Result", ""))
        self.outcome, self.reason = result.groups() if result else (None, None)
        self.footprint = self.headers.get("Quack-Footprint")


def call(application, target="/view", method="POST", body=b"", headers=None):
    said = []
    name, _, query = target.partition("?")
    environ = {
        "REQUEST_METHOD": method, "SCRIPT_NAME": "", "PATH_INFO": name, "QUERY_STRING": query,
        "SERVER_NAME": "test", "SERVER_PORT": "80", "CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr, "wsgi.url_scheme": "http", **(headers or {}),
    }
    chunks = application(environ, lambda status, headers, exc_info=None: said.append((status, headers)))
    try:
        return Reply(*said[-1], b"".join(chunks))
    finally:
        if hasattr(chunks, "close"):
            chunks.close()


def marked(target="/view", method="POST", body=b"", mode="rollback", budget=10_000):
    t, id = str(int(time.time())), f"test-{next(_ids)}"
    digest = hashlib.sha256(body).hexdigest()
    sig = app.application.codec.sign("quack-shadow-v1", id, mode, t, str(budget), method, target, digest)
    to = base64.urlsafe_b64encode(target.encode()).rstrip(b"=").decode()
    return {"HTTP_QUACK_SHADOW": f"v1;id={id};mode={mode};t={t};budget={budget};target={to};sig={sig}"}


@unittest.skipUnless(DSN, "TEST_DATABASE_URL is not set")
class Case(unittest.TestCase):
    def setUp(self):
        self.db = psycopg2.connect(DSN)
        self.db.autocommit = True
        self.addCleanup(self.db.close)
        self.ask("TRUNCATE items, audits, children, parents")
        mail.outbox = []
        logging.getLogger("quack_shadow").propagate = False

    def ask(self, sql):
        with self.db.cursor() as c:
            c.execute(sql)
            return c.fetchall() if c.description else None

    def left(self):
        """Rows and prepared transactions that are there; then they are gone."""
        for (gid,) in self.ask("SELECT gid FROM pg_prepared_xacts WHERE database = current_database()"):
            self.ask(f"ROLLBACK PREPARED '{gid}'")
            return "prepared"
        n = self.ask("SELECT (SELECT count(*) FROM items) + (SELECT count(*) FROM txshadow.fuse)")[0][0]
        if n:
            self.ask("TRUNCATE items, txshadow.fuse")
        return n

    def shadow(self, view, mode="rollback", budget=10_000, headers=None):
        """Runs view as a shadow. What it raises is raised again, by again()."""
        raised = []

        def wrapped(request):
            try:
                return view(request) or HttpResponse("done")
            except Exception as e:
                raised.append(e)
                raise

        self.raised = raised
        app.urlpatterns[:] = [p for p in app.urlpatterns if p.pattern._route != "view"] + [path("view", wrapped)]
        clear_url_caches()
        return call(app.application, headers={**marked(mode=mode, budget=budget), **(headers or {})})


def execute(sql, params=None):
    with connection.cursor() as c:
        c.execute(sql, params)
