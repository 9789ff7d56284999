"""A whole Django project in one file: the app that adapters/conformance drives.

    PORT=8000 DATABASE_URL=postgres://… QUACK_SHADOW_SECRET=… gunicorn --config testapp/gunicorn.conf.py app
"""

import json
import os
import urllib.request
from urllib.parse import parse_qsl, unquote, urlsplit

import django
from django.conf import settings


def database(url):
    u = urlsplit(url)
    options = dict(parse_qsl(u.query))
    return {
        "ENGINE": "quack_shadow.postgresql",
        "NAME": unquote(u.path[1:]),
        "USER": unquote(u.username or ""),
        "PASSWORD": unquote(u.password or ""),
        "HOST": u.hostname or options.pop("host", ""),
        "PORT": u.port or "",
        "OPTIONS": options,
        "CONN_MAX_AGE": 60,
        "ATOMIC_REQUESTS": os.environ.get("ATOMIC_REQUESTS") == "1",
    }


settings.configure(
    SECRET_KEY="of a test",
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["*"],
    DATABASES={
        "default": database(os.environ["DATABASE_URL"]),
        "other": {**database(os.environ["DATABASE_URL"]), "ATOMIC_REQUESTS": False},  # a second connection to the same
    },
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend",
    QUACK_SHADOW={"WALL_CAP": int(os.environ.get("WALL_CAP_MS", "500")) / 1000},
    USE_TZ=True,
)
django.setup()

from django.core import mail  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import DatabaseError, IntegrityError, connection, models, transaction  # noqa: E402
from django.db.models import F  # noqa: E402
from django.http import Http404, JsonResponse, StreamingHttpResponse  # noqa: E402
from django.urls import path  # noqa: E402

import quack_shadow  # noqa: E402


class Item(models.Model):
    name = models.TextField(unique=True)
    qty = models.IntegerField(default=0)

    class Meta:
        app_label, db_table, managed = "testapp", "items", False


class Child(models.Model):
    parent_id = models.IntegerField()

    class Meta:
        app_label, db_table, managed = "testapp", "children", False


done = {"mail": 0, "job": 0, "callback": 0}  # what really ran in this process
mail.outbox = []


def body(request):
    return json.loads(request.body or b"{}")


def shown(item):
    return {"id": item.pk, "name": item.name, "qty": item.qty}


def answer(value, status=200):
    return JsonResponse(value, status=status)


def post(view):
    """Only by POST; the answer is by default 201."""

    def wrapped(request):
        if request.method != "POST":
            raise Http404
        return view(request)

    wrapped.__name__ = view.__name__
    return wrapped


def up(request):
    return answer({})


def item(request, id):
    found = Item.objects.filter(pk=id).first()
    return answer(shown(found)) if found else answer({"error": "not found"}, 404)


@post
def items(request):
    try:
        with transaction.atomic():
            return answer(shown(Item.objects.create(name=body(request)["name"])), 201)
    except IntegrityError:
        return answer({"error": "taken"}, 409)


def count(request):
    tables = ("items", "audits", "children")
    with connection.cursor() as c:
        c.execute("SELECT " + ", ".join(f"(SELECT count(*) FROM {t})" for t in tables))
        return answer(dict(zip(tables, c.fetchone())))


@post
def transfer(request):
    asked = body(request)
    try:
        with transaction.atomic():
            Item.objects.filter(name=asked["to"]).update(qty=F("qty") + asked["qty"])
            Item.objects.filter(name=asked["from"]).update(qty=F("qty") - asked["qty"])
    except IntegrityError:
        return answer({"error": "not enough"}, 422)
    return answer({})


class Rescued(Exception):
    pass


@post
def nested(request):
    asked = body(request)
    with transaction.atomic():
        Item.objects.create(name=asked["outer"])
        try:
            with transaction.atomic():
                Item.objects.create(name=asked["inner"])
                raise Rescued
        except Rescued:
            pass
    present = Item.objects.filter(name__in=[asked["outer"], asked["inner"]])
    return answer({"names": [i.name for i in present.order_by("id")]}, 201)


@transaction.non_atomic_requests
@post
def two(request):
    """Outside of a transaction: what the first has written stays."""
    asked = body(request)
    with connection.cursor() as c:
        c.execute("INSERT INTO items (name) VALUES (%s)", [asked["a"]])
        try:
            c.execute("INSERT INTO items (name) VALUES (%s)", [asked["b"]])
        except IntegrityError:
            return answer({"kept": Item.objects.filter(name=asked["a"]).exists()}, 409)
    return answer({}, 201)


@transaction.non_atomic_requests
@post
def sql(request):
    """psycopg2 knows the simple protocol alone. "extended" stands for SQL's own
    PREPARE and EXECUTE, where a statement can be prepared."""
    asked = body(request)
    errors = []
    for n, statement in enumerate(asked["statements"]):
        try:
            with connection.cursor() as c:
                if asked.get("protocol") == "extended" and statement.split()[0].lower() in PREPARED:
                    c.execute(f"PREPARE app_{n} AS {statement}")
                    statement = f"EXECUTE app_{n}"
                c.execute(statement)
            errors.append(None)
        except Exception as e:
            errors.append(getattr(e.__cause__, "pgcode", None) or str(e) or "error")
    return answer({"errors": errors})


PREPARED = ("select", "insert", "update", "delete", "values")


@transaction.non_atomic_requests
@post
def deferred(request):
    try:
        with transaction.atomic():
            Child.objects.create(parent_id=body(request)["parent"])
    except IntegrityError as e:
        return answer({"error": e.__cause__.pgcode}, 409)
    return answer({}, 201)


def effects(request):
    if request.method != "POST":
        return answer({**done, "mail": len(mail.outbox)})
    with transaction.atomic():
        Item.objects.create(name=body(request).get("name", "effects"))
        mail.send_mail("placed", "your order", "shop@example.com", ["a@example.com"])
        if not quack_shadow.record("job", "ChargeJob"):
            done["job"] += 1
        transaction.on_commit(called_back)
    url = os.environ.get("EFFECT_URL")
    if url and not quack_shadow.record("http", "POST " + urlsplit(url).hostname):
        urllib.request.urlopen(urllib.request.Request(url, b"{}", quack_shadow.outgoing_headers())).close()
    return answer({}, 202)


def called_back():
    done["callback"] += 1


@post
def slow(request):
    asked = body(request)
    Item.objects.create(name=asked["name"])
    with connection.cursor() as c:
        c.execute("SELECT pg_sleep(%s / 1000.0)", [asked["ms"]])
    return answer({}, 201)


def write(request):
    Item.objects.create(name="written by a GET")
    return answer({})


@post
def stream(request):
    name = body(request).get("name", "streamed")
    Item.objects.create(name=name)
    chunks = (f"{n} {Item.objects.filter(name=name).count()}\n" for n in range(5))
    return StreamingHttpResponse(chunks, content_type="text/plain")


@transaction.non_atomic_requests
@post
def durable(request):
    with transaction.atomic(durable=True):
        Item.objects.create(name=body(request)["name"])
    return answer({}, 201)


@post
def isolation(request):
    asked = body(request)
    try:
        with transaction.atomic():
            with connection.cursor() as c:
                c.execute("SET TRANSACTION ISOLATION LEVEL " + LEVELS[asked["level"].lower()])
            Item.objects.create(name=asked.get("name", "isolated"))
    except DatabaseError as e:
        return answer({"error": str(e)}, 500)
    return answer({}, 201)


LEVELS = {level: level.upper() for level in ("read committed", "repeatable read", "serializable")}


@transaction.non_atomic_requests
@post
def beside(request):
    name = body(request)["name"]
    Item.objects.create(name=name)
    return answer({"seen": Item.objects.using("other").filter(name=name).exists()}, 201)


@transaction.non_atomic_requests
@post
def apart(request):
    asked = body(request)
    with transaction.atomic(), transaction.atomic(using="other"):
        Item.objects.create(name=asked["a"])
        Item.objects.using("other").create(name=asked["b"])
    return answer({}, 201)


def active(request):
    return answer({"active": quack_shadow.active()})


def missing(request, exception):
    return answer({"error": "not found"}, 404)


handler404 = missing
urlpatterns = [path("items/<int:id>", item)] + [
    path(view.__name__, view)
    for view in (
        up, items, count, transfer, nested, two, sql, deferred, effects, slow, write, stream, durable, isolation, active, beside, apart,
    )
]


application = quack_shadow.Adapter(get_wsgi_application())


def query_before(app):
    """Queries before the adapter sees the request, as nothing may."""

    def outermost(environ, start_response):
        with connection.cursor() as c:
            c.execute("INSERT INTO notes VALUES (0)")
        return app(environ, start_response)

    return outermost


if os.environ.get("QUERY_BEFORE"):
    application = query_before(application)
