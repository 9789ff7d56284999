from django.db.backends.postgresql import base

from .mixin import ShadowMixin


class DatabaseWrapper(ShadowMixin, base.DatabaseWrapper):
    """ENGINE = "quack_shadow.postgresql"."""
