"""Statements that belong to no request: they are live, while shadows run too.

A thread that a view has started is not its shadow's, and what it sends is
live. It can not be told from work that has nothing to do with the shadow, so
all shadows of the process count as touched. What comes between two requests in
a thread that serves them is from outside of the adapter: it has to be the
outermost."""

import functools
import logging

from . import scope
from .statement import split

log = logging.getLogger("quack_shadow")
_told = set()


@functools.lru_cache(maxsize=None)
def watching(kind):
    """A class of Django's cursors, kind, that looks at what it is given."""

    class Watching(kind):
        def execute(self, sql, params=None):
            _look(sql)
            return super().execute(sql, params)

        def executemany(self, sql, param_list):
            _look(sql)
            return super().executemany(sql, param_list)

    return Watching


def _look(sql):
    between = scope.serving() is False
    if not between and not scope.running:
        return
    wrote = any(s.writes or s.refusal for s in split(sql if isinstance(sql, str) else str(sql)))
    if between:
        scope.stray(wrote)
    if wrote and scope.running:
        scope.note_all("unsupported:foreign-context")
        if len(_told) < 100 and sql not in _told:
            _told.add(sql)
            log.warning(
                "a statement that may write belongs to no request, while a shadow request runs: it is live, and the shadow "
                "is not compared\n  a view's threads are not in its shadow; see docs/django.md: %s",
                split(sql)[0].verb if split(sql) else "?",
            )
