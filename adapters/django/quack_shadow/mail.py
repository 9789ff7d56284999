"""Mail of a shadow is counted and not sent, whatever way it goes through
django.core.mail."""

import functools

from django.conf import settings
from django.core import mail
from django.utils.module_loading import import_string

from .scope import record

_GUARDED = "_quack_shadow"


def install():
    """Guards the backend of the settings, those that get_connection is asked
    for, and EmailMessage.send. It may be called again."""
    if getattr(mail.EmailMessage.send, _GUARDED, False):
        return
    mail.EmailMessage.send = _guarded_send(mail.EmailMessage.send)
    mail.import_string = _import_backend  # what get_connection, by whomever imported, looks up
    _import_backend(settings.EMAIL_BACKEND)


def _import_backend(path):
    backend = import_string(path)
    send = getattr(backend, "send_messages", None)
    if isinstance(backend, type) and send is not None and not getattr(send, _GUARDED, False):
        backend.send_messages = _guarded_send_messages(send)
    return backend


def _guarded_send(send):
    @functools.wraps(send)
    def guarded(self, fail_silently=False):
        if not self.recipients():
            return 0
        return 1 if record("mail") else send(self, fail_silently)

    setattr(guarded, _GUARDED, True)
    return guarded


def _guarded_send_messages(send):
    @functools.wraps(send)
    def guarded(self, email_messages):
        email_messages = list(email_messages or ())
        recorded = [m for m in email_messages if m.recipients() and record("mail")]
        return len(recorded) if recorded else send(self, email_messages)

    setattr(guarded, _GUARDED, True)
    return guarded
