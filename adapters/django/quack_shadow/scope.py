"""What the code that serves a request can ask of Quack."""

import threading
from datetime import datetime, timedelta, timezone

from asgiref.local import Local

_current = Local()  # goes along into sync_to_async and async_to_sync
_thread = threading.local()
running = set()  # shadows of this process whose views run
_running_lock = threading.Lock()


class Scope:
    """A request, as its headers say. baggage is our signed mark, None when no
    shadow has to do with it; carried are headers for calls to other services."""

    def __init__(self, id="", context=None, readonly=False, baggage=None, carried=None, shadow=None):
        self.id, self.context, self.readonly = id, context, readonly
        self.baggage, self.carried, self.shadow = baggage, carried or {}, shadow


def enter(scope):
    """The current thread serves this request from here on."""
    _current.scope = scope
    _thread.serving = True


def leave(**_):
    """The current thread has served its request."""
    _thread.serving = False


def current():
    return getattr(_current, "scope", None)


def current_shadow():
    scope = current()
    return scope.shadow if scope else None


def begin(shadow):
    with _running_lock:
        running.add(shadow)


def finish(shadow):
    with _running_lock:
        running.discard(shadow)


def note_all(reason):
    """Notes something against all shadows of the process, because it can not
    be told which of them it came from."""
    with _running_lock:
        for shadow in running:
            shadow.note(reason)


# What thread a live statement comes from. None: one that has served no request
# yet, or never will. False: it is between two requests.


def serving():
    return getattr(_thread, "serving", None)


def stray(wrote):
    """Counts a statement of a thread that is between two requests."""
    _thread.stray = max(getattr(_thread, "stray", 0), 2 if wrote else 1)


def take_stray():
    """"" when the current thread has sent nothing since its last request, else
    "read" or "write"."""
    found, _thread.stray = getattr(_thread, "stray", 0), 0
    return ("", "read", "write")[found]


# The public part.


def active():
    """Whether the current request is a shadow: its writes will be rolled back,
    so mail, jobs and calls to others should be left out."""
    return current_shadow() is not None


def record(kind, detail=""):
    """In a shadow, counts something for the comparison and returns True; else
    does nothing and returns False:

        if not quack_shadow.record("job", "ChargeJob"):
            queue.put(charge)

    kind and detail travel in a header of the answer: nothing personal."""
    shadow = current_shadow()
    if shadow is None:
        return False
    shadow.record(kind, detail)
    return True


def now():
    """The instant of the request as Quack saw it, the same in the live call and
    in its shadow; the clock's time when Quack has not said so. Aware, UTC."""
    scope = current()
    if scope is None or scope.context is None:
        return datetime.now(timezone.utc)
    seconds, _, fraction = scope.context.time.rstrip("Z").partition(".")
    at = datetime.strptime(seconds, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
    return at + timedelta(microseconds=int((fraction + "000000")[:6]))


def read_only():
    """Whether the request passed through a closed gate, so that it should write
    nothing and work all the same, as far as it can."""
    scope = current()
    return scope is not None and scope.readonly


def request_id():
    """The request's Quack-Request-Id, the same in the live call and in its
    shadow; "" when there is none. It proves nothing."""
    scope = current()
    return scope.id if scope else ""


def outgoing_headers(baggage=""):
    """Headers for a call to a service of your own: by them Quack, and other
    adapters, refuse a write that a shadow has caused. baggage is what the call
    would carry without us."""
    scope = current()
    if scope is None:
        return {}
    headers = dict(scope.carried)
    if scope.baggage:
        others = [m for m in baggage.split(",") if m.strip() and not m.strip().startswith("quack.shadow=")]
        headers["Baggage"] = ",".join(others + ["quack.shadow=" + scope.baggage])
    return headers
