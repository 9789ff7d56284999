"""The signed headers of Quack: what they say, and whether it is true.

Signatures are lower-case hex of HMAC-SHA256 over fields joined by newlines."""

import base64
import binascii
import hmac
import re
import time
from typing import NamedTuple
from urllib.parse import unquote, unquote_to_bytes

HELLO_PATH = "/.well-known/quack/hello"
WINDOW = 60  # seconds that a Quack-Shadow's time may be from our clock
MIN_SECRET = 16  # bytes: below it, guessing is cheaper than asking
MODES = ("rollback", "readonly", "hello", "prepare")

_ID = re.compile(r"[A-Za-z0-9._~-]{1,128}\Z", re.ASCII)
_GID = re.compile(r"txshadow-[a-z0-9]{1,32}-[0-9]{1,19}\Z", re.ASCII)
_REASON = re.compile(r"[^A-Za-z0-9._:-]", re.ASCII)
_SHADOW = ("id", "mode", "t", "budget", "target", "sig")


class Refused(Exception):
    """A header that does not verify: the request must not be executed."""


class Marked(NamedTuple):
    """What a Quack-Shadow says. t and budget are as sent."""

    id: str
    mode: str
    t: str
    budget: str
    target: bytes
    gid: str
    sig: str

    @property
    def seconds(self):
        """The budget in seconds, 0 when none was given."""
        return int(self.budget) / 1000


class Context(NamedTuple):
    """What a Quack-Context says: time is RFC 3339 with nanoseconds."""

    id: str
    role: str
    time: str
    readonly: bool


def parse_secrets(text):
    """Reads QUACK_SHADOW_SECRET: one secret, or several separated by commas, of
    which the first signs and all are accepted."""
    if not (text or "").strip():
        raise ValueError(
            "no shadow secret was given\n"
            "  set QUACK_SHADOW_SECRET to what `quack token shadow` prints, the same for Quack and its backends"
        )
    secrets = [s.strip().encode() for s in text.split(",")]
    for i, secret in enumerate(secrets):
        if len(secret) < MIN_SECRET:
            raise ValueError(
                f"shadow secret {i + 1} of the list has {len(secret)} bytes, and at least {MIN_SECRET} are needed\n"
                "  make one with: openssl rand -hex 32"
            )
    return secrets


def _fields(value, names, optional=()):
    """Reads "v1;a=…;b=…". Each name stands exactly once, and no other."""
    version, *parts = value.split(";")
    if version != "v1":
        raise Refused(f"version {version[:20]!r} is not v1")
    found = {}
    for part in parts:
        name, equals, v = part.partition("=")
        if not equals or name not in names + optional:
            raise Refused(f"field {part[:40]!r} is not known")
        if name in found:
            raise Refused(f"field {name!r} stands twice")
        found[name] = v
    for name in names:
        if name not in found:
            raise Refused(f"field {name!r} is missing")
    return found


class Codec:
    """Signs with the first secret and accepts all. clock gives Unix seconds."""

    def __init__(self, secrets, clock=time.time):
        self._secrets, self._clock = secrets, clock

    def __repr__(self):
        return "quack_shadow.Codec"  # no secret in a log

    def sign(self, *fields, key=None):
        text = b"\n".join(f if isinstance(f, bytes) else f.encode() for f in fields)
        return hmac.new(key or self._secrets[0], text, "sha256").hexdigest()

    def verify(self, sig, *fields):
        right = [hmac.compare_digest(sig.encode(), self.sign(*fields, key=k).encode()) for k in self._secrets]
        newline = any((b"\n" if isinstance(f, bytes) else "\n") in f for f in fields)
        return any(right) and not newline  # with a newline, fields can be cut in more than one way

    def read_shadow(self, value):
        """Reads a Quack-Shadow and holds its time to the window. It does not
        vouch for it: verify_shadow does, once the body is known."""
        f = _fields(value, _SHADOW, ("gid",))
        if not _ID.match(f["id"]):
            raise Refused("the id has other characters than letters, digits and -._~")
        if f["mode"] not in MODES:
            raise Refused(f"mode {f['mode'][:20]!r} is not known")
        if (f["mode"] == "prepare") != ("gid" in f) or "gid" in f and not _GID.match(f["gid"]):
            raise Refused("a gid stands with mode=prepare, and there it is txshadow-INSTANCE-NUMBER")
        off = int(self._clock()) - _decimal("t", f["t"], 12)
        _decimal("budget", f["budget"], 9)
        if abs(off) > WINDOW:
            raise Refused(
                f"Quack-Shadow was made {off} s ago, and the window is {WINDOW} s\n"
                "  compare the clocks of Quack and this host"
            )
        return Marked(f["id"], f["mode"], f["t"], f["budget"], _target(f["target"]), f.get("gid", ""), f["sig"])

    def verify_shadow(self, m, method, path, query, digest):
        """Verifies m against the request that carries it. path is decoded, as
        bytes; query is as it came; digest is the SHA-256 of the body in hex."""
        signed = ["quack-shadow-v1", m.id, m.mode, m.t, m.budget, method, m.target, digest]
        if not self.verify(m.sig, *signed, *([m.gid] if m.gid else [])):
            raise Refused(
                "the signature of Quack-Shadow does not verify\n  check that QUACK_SHADOW_SECRET is the same here "
                "and in Quack, and that nothing between them changes the method or the body"
            )
        if not same_target(m.target, path, query):
            raise Refused(
                "Quack-Shadow was signed for another path or query\n  put the adapter outside of whatever rewrites paths"
            )

    def result(self, id, outcome, reason):
        """A Quack-Shadow-Result. What can not stand in a reason becomes "_"."""
        reason = _REASON.sub("_", reason[:120])
        sig = self.sign("quack-result-v1", id, outcome, reason)
        return f"v1;id={id};outcome={outcome};reason={reason};sig={sig}"

    def nested_mark(self, id):
        return f"{id}.{self.sign('quack-nested-v1', id)}"

    def nested(self, baggage):
        """The mark in a request's baggage that says that a shadow has caused
        it, None when there is none that verifies."""
        for member in baggage.split(","):
            key, _, value = member.partition(";")[0].partition("=")
            value = unquote(value.strip(" \t"))
            id, dot, sig = value.rpartition(".")
            if key.strip(" \t") == "quack.shadow" and dot and _ID.match(id) and self.verify(sig, "quack-nested-v1", id):
                return value
        return None

    def read_context(self, id, value):
        """Reads and verifies a Quack-Context; None when it does not verify. It
        has no time window: Quack may hold a request for long."""
        try:
            f = _fields(value, ("role", "time", "readonly", "sig"))
        except Refused:
            return None
        known = f["role"] in ("live", "shadow") and f["readonly"] in ("0", "1") and _ID.match(id)
        if not known or not self.verify(f["sig"], "quack-context-v1", id, f["role"], f["time"], f["readonly"]):
            return None
        return Context(id, f["role"], f["time"], f["readonly"] == "1")


def _decimal(name, text, digits):
    """Reads digits only, so that what was signed has one spelling."""
    if not re.fullmatch(r"[0-9]{1,%d}" % digits, text, re.ASCII):
        raise Refused(f"{name}: {text[:20]!r} is not a number of 1 to {digits} digits")
    return int(text)


def _target(text):
    try:
        target = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError) as e:
        raise Refused(f"target: {e}") from None
    if base64.urlsafe_b64encode(target).rstrip(b"=") != text.encode():
        raise Refused("target is not base64url without padding")
    return target


def same_target(signed, path, query):
    """Compares in decoded form, because something between may write the same
    path in another way. signed and path are bytes, query is text."""
    signed_path, _, signed_query = signed.partition(b"?")
    if unquote_to_bytes(signed_path) != path:
        return False
    query = query.encode("latin-1", "replace")
    return signed_query == query or unquote_to_bytes(signed_query) == unquote_to_bytes(query)


def valid_id(id):
    return bool(_ID.match(id or ""))
