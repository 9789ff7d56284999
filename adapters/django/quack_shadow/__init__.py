"""The adapter of Quack for Django: shadow requests run for real, in a database
transaction that can not commit, and leave nothing behind.

    # settings.py
    DATABASES = {"default": {"ENGINE": "quack_shadow.postgresql", ...}}
    # wsgi.py
    application = quack_shadow.Adapter(get_wsgi_application())

Where a view does more than write to the database, it asks active(), or leaves
it to record(kind, detail). docs/django.md says what else there is."""

from .scope import active, now, outgoing_headers, read_only, record, request_id

__all__ = ["Adapter", "active", "now", "outgoing_headers", "read_only", "record", "request_id"]


def __getattr__(name):
    if name == "Adapter":  # it needs Django's settings, the others do not
        from .wsgi import Adapter

        return Adapter
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
