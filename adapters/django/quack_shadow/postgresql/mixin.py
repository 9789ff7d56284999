"""For backends of your own that derive from Django's, as PostGIS does:

    class DatabaseWrapper(ShadowMixin, postgis.base.DatabaseWrapper): pass
"""

from .. import foreign, scope
from ..driver import ShadowConnection, guarded


class ShadowMixin:
    """Live, it is the backend that it stands before."""

    quack_fresh = False  # connects a session for a shadow
    quack_shadow = None  # the shadow whose session this is

    def get_connection_params(self):
        params = super().get_connection_params()
        if self.quack_fresh:
            params["connection_factory"] = guarded(ShadowConnection, params.get("connection_factory"))
        return params

    def _prepare_cursor(self, cursor):
        wrapped = super()._prepare_cursor(cursor)
        if self.quack_shadow is None and not self.quack_fresh and not scope.serving():
            return foreign.watching(type(wrapped))(cursor, self)
        return wrapped

    def connect(self):
        if self.quack_shadow is None:
            return super().connect()
        self.check_settings()
        self.in_atomic_block, self.savepoint_ids, self.needs_rollback = False, [], False
        self.close_at, self.closed_in_transaction, self.errors_occurred = None, False, False
        self.connection = self.quack_shadow.connection()
        self.set_autocommit(self.settings_dict["AUTOCOMMIT"])
        self.run_on_commit = []
        return None

    def create_cursor(self, name=None):
        # A cursor on the server would outlive the transaction that it was made in.
        return super().create_cursor(None if self.quack_shadow is not None else name)

    def on_commit(self, func, *args, **kwargs):
        shadow = self.quack_shadow
        if shadow is None or self.in_atomic_block or not callable(func) or not self.get_autocommit():
            return super().on_commit(func, *args, **kwargs)
        return shadow.record("callback")

    def run_and_clear_commit_hooks(self):
        if self.quack_shadow is None:
            return super().run_and_clear_commit_hooks()
        hooks, self.run_on_commit = self.run_on_commit, []
        for _ in hooks:
            self.quack_shadow.record("callback")
        return None

    def close_if_unusable_or_obsolete(self):
        if self.quack_shadow is None:
            super().close_if_unusable_or_obsolete()

    def is_usable(self):
        return self.quack_shadow is not None or super().is_usable()

    def copy(self, alias=None):
        copied = super().copy(alias)
        copied.quack_shadow = self.quack_shadow
        return copied

    def _nodb_cursor(self):
        if self.quack_shadow is not None:
            raise self.quack_shadow.refuse("unsupported:other-database")
        return super()._nodb_cursor()


class RefusedWrapper:
    """Stands in a shadow for a database that it has no session of. Blocks of
    ATOMIC_REQUESTS pass, statements do not."""

    def __new__(cls, wrapper, shadow):
        kind = type("Refused" + type(wrapper).__name__, (_Refused, type(wrapper)), {})
        refused = kind(wrapper.settings_dict, wrapper.alias)
        refused.quack_refusing = shadow
        return refused


class _Refused:
    def ensure_connection(self):
        pass

    def _set_autocommit(self, autocommit):
        pass

    def _commit(self):
        pass

    _rollback = _close = close_if_unusable_or_obsolete = _commit

    def connect(self):
        self.create_cursor()

    def _cursor(self, name=None):
        return self.create_cursor(name)

    def create_cursor(self, name=None):
        raise self.quack_refusing.refuse("unsupported:other-database")


def install(alias, shadow, connections):
    """Gives the current thread the connections of a shadow."""
    for each in connections:
        wrapper = connections.create_connection(each)
        if each == alias:
            wrapper.quack_shadow = shadow
        else:
            wrapper = RefusedWrapper(wrapper, shadow)
        connections[each] = wrapper


