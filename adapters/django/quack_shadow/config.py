"""settings.QUACK_SHADOW, a dict. All of it may be left out but the secret."""

import os

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from .signing import parse_secrets

DEFAULTS = {
    # QUACK_SHADOW_SECRET: one secret, or several separated by commas. Default:
    # the environment variable of that name.
    "SECRET": None,
    # The alias whose writes a shadow rolls back. Others are refused in it.
    "DATABASE": "default",
    # Overrides of that database's settings for shadows: HOST and PORT of the
    # database itself, when the application connects to a pooler.
    "DIRECT": {},
    # Bytes kept in memory of a request's and of an answer's body.
    "MAX_BODY": 8 << 20,
    # Shadow writes, and reading shadows, at once in each process.
    "MAX_SHADOWS": 4,
    "MAX_READERS": 4,
    # Seconds that a shadow's transaction may stay open, whatever Quack asks for.
    "WALL_CAP": 0.5,
    "READ_CAP": 30.0,
    # Seconds that a statement of a shadow may wait for a lock.
    "LOCK_TIMEOUT": 0.05,
}


class Config:
    def __init__(self, given=None):
        given = getattr(settings, "QUACK_SHADOW", {}) if given is None else given
        unknown = set(given) - set(DEFAULTS)
        if unknown:
            raise ImproperlyConfigured(
                f"settings.QUACK_SHADOW has {sorted(unknown)[0]!r}, which is not known\n  known: {', '.join(DEFAULTS)}"
            )
        values = {**DEFAULTS, **given}
        try:
            self.secrets = parse_secrets(values.pop("SECRET") or os.environ.get("QUACK_SHADOW_SECRET", ""))
        except ValueError as e:
            raise ImproperlyConfigured(f"settings.QUACK_SHADOW: {e}") from None
        for name, value in values.items():
            setattr(self, name.lower(), value)

    def __repr__(self):
        return "quack_shadow.Config"  # no secret in a log
