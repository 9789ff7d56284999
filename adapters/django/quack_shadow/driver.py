"""psycopg2's connection and cursor for the sessions of shadows. Everything that
Django, or an application past Django, sends by them goes through a Shadow: SQL
is judged before it is sent, and commit and rollback become savepoints."""

import functools

import psycopg2
from psycopg2 import extensions

_connection, _cursor = extensions.connection, extensions.cursor
IDLE, INERROR = extensions.TRANSACTION_STATUS_IDLE, extensions.TRANSACTION_STATUS_INERROR


@functools.lru_cache(maxsize=None)
def guarded(ours, theirs):
    """A class that is theirs (a DictCursor, say) on top of ours."""
    if theirs is None or issubclass(ours, theirs):
        return ours
    return theirs if issubclass(theirs, ours) else type("Shadow" + theirs.__name__, (theirs, ours), {})


class ShadowConnection(_connection):
    """A psycopg2 connection. Until shadow is set it is an ordinary one; then it
    belongs to that shadow to its end."""

    shadow = None
    _auto = True  # what the application sees as autocommit

    # For the shadow itself: past the interception.

    def send(self, sql):
        """Runs statements of our own in one round trip and returns the rows of
        the last, columns as text; None when it has none."""
        with _connection.cursor(self, cursor_factory=_cursor) as c:
            c.execute(sql)
            return c.fetchall() if c.description else None

    def state(self):
        """The server's view of the transaction."""
        return _connection.get_transaction_status(self)

    def own(self, shadow):
        """Gives the session to a shadow. Its transaction is ours to begin."""
        self._auto = _connection.autocommit.__get__(self)
        _connection.autocommit.__set__(self, True)
        self.shadow = shadow

    def disown(self):
        self.shadow = None

    def hang_up(self):
        """Closes the session."""
        _connection.close(self)

    # What the application does with its connection.

    def cursor(self, name=None, cursor_factory=None, *args, **kwargs):
        if self.shadow is not None:
            self.shadow.check()
            if name is not None:
                raise self.shadow.refuse("unsupported:cursor")
        factory = guarded(ShadowCursor, cursor_factory or self.cursor_factory)
        return _connection.cursor(self, name, factory, *args, **kwargs)

    def commit(self):
        return _connection.commit(self) if self.shadow is None else self.shadow.commit()

    def rollback(self):
        return _connection.rollback(self) if self.shadow is None else self.shadow.rollback()

    def close(self):
        """Inside a shadow the session stays: it has the transaction of the
        request. What an open transaction did is taken back, as by a close."""
        return _connection.close(self) if self.shadow is None else self.shadow.rollback(quiet=True)

    @property
    def autocommit(self):
        return _connection.autocommit.__get__(self) if self.shadow is None else self._auto

    @autocommit.setter
    def autocommit(self, on):
        if self.shadow is None:
            _connection.autocommit.__set__(self, on)
            return
        if self.shadow.in_transaction():
            raise psycopg2.ProgrammingError("autocommit cannot be used inside a transaction")
        self._auto = bool(on)

    def get_transaction_status(self):
        if self.shadow is None or self.state() == INERROR:
            return self.state()
        return extensions.TRANSACTION_STATUS_INTRANS if self.shadow.in_transaction() else IDLE

    def set_client_encoding(self, encoding):
        if self.shadow is None:
            return _connection.set_client_encoding(self, encoding)
        if encoding.upper().replace("-", "") != self.encoding:
            raise self.shadow.refuse("unsupported:client_encoding")
        return None

    def set_isolation_level(self, level):
        if self.shadow is None:
            return _connection.set_isolation_level(self, level)
        if level == extensions.ISOLATION_LEVEL_AUTOCOMMIT:
            self.rollback()
            self.autocommit = True
            return None
        raise self.shadow.refuse("unsupported:isolation")

    def set_session(self, isolation_level=None, readonly=None, deferrable=None, autocommit=None):
        if self.shadow is None:
            given = dict(isolation_level=isolation_level, readonly=readonly, deferrable=deferrable, autocommit=autocommit)
            return _connection.set_session(self, **{k: v for k, v in given.items() if v is not None})
        if isolation_level is not None:
            raise self.shadow.refuse("unsupported:isolation")
        if readonly is not None or deferrable is not None:
            raise self.shadow.refuse("unsupported:session-characteristics")
        if autocommit is not None:
            self.autocommit = autocommit
        return None


def _refusing(name, reason):
    """A method that works until the connection belongs to a shadow."""

    def method(self, *args, **kwargs):
        if self.shadow is not None:
            raise self.shadow.refuse(reason)
        return getattr(_connection, name)(self, *args, **kwargs)

    method.__name__ = name
    return method


def _refusing_property(name, reason):
    inner = getattr(_connection, name)

    def write(self, value):
        if self.shadow is not None:
            raise self.shadow.refuse(reason)
        inner.__set__(self, value)

    return property(lambda self: inner.__get__(self), write)


for _name, _reason in {
    "lobject": "unsupported:large-objects",
    "reset": "unsupported:reset-all",
    "cancel": "unsupported:conn",
    "tpc_begin": "escape:prepare-transaction",
    "tpc_prepare": "escape:prepare-transaction",
    "tpc_commit": "escape:commit-prepared",
    "tpc_rollback": "escape:rollback-prepared",
}.items():
    setattr(ShadowConnection, _name, _refusing(_name, _reason))
for _name, _reason in {
    "isolation_level": "unsupported:isolation",
    "readonly": "unsupported:session-characteristics",
    "deferrable": "unsupported:session-characteristics",
}.items():
    setattr(ShadowConnection, _name, _refusing_property(_name, _reason))


class ShadowCursor(_cursor):
    """A psycopg2 cursor. What is judged is the text that is sent: parameters
    have been put in before, as psycopg2 does."""

    _many = None  # the rowcount of an executemany

    def _shadow(self):
        self._many = None
        return self.connection.shadow

    def execute(self, query, vars=None):
        shadow = self._shadow()
        if shadow is None:
            return _cursor.execute(self, query, vars)
        return shadow.statement(self.mogrify(query, vars), lambda sql: _cursor.execute(self, sql))

    def executemany(self, query, vars_list):
        if self._shadow() is None:
            return _cursor.executemany(self, query, vars_list)
        total = 0
        for vars in vars_list:
            self.execute(query, vars)
            total += max(_cursor.rowcount.__get__(self), 0)
        self._many = total
        return None

    @property
    def rowcount(self):
        return _cursor.rowcount.__get__(self) if self._many is None else self._many

    def callproc(self, procname, parameters=()):
        if self._shadow() is None:
            return _cursor.callproc(self, procname, parameters)
        named = isinstance(parameters, dict)
        slots = [f"{extensions.quote_ident(k, self)} := %s" if named else "%s" for k in parameters]
        self.execute(f"SELECT * FROM {procname}({','.join(slots)})", list(parameters.values() if named else parameters))
        return parameters

    def copy_expert(self, sql, file, size=8192):
        shadow = self._shadow()
        if shadow is None:
            return _cursor.copy_expert(self, sql, file, size)
        return shadow.statement(self.mogrify(sql), lambda sql: _cursor.copy_expert(self, sql, file, size))

    def copy_from(self, file, table, *args, **kwargs):
        send = functools.partial(_cursor.copy_from, self, file, table, *args, **kwargs)
        return self._copy(f"COPY {extensions.quote_ident(table, self)} FROM STDIN", send)

    def copy_to(self, file, table, *args, **kwargs):
        send = functools.partial(_cursor.copy_to, self, file, table, *args, **kwargs)
        return self._copy(f"COPY {extensions.quote_ident(table, self)} TO STDOUT", send)

    def _copy(self, sql, send):
        shadow = self._shadow()
        return send() if shadow is None else shadow.statement(sql.encode(), lambda _: send())


