"""Cuts SQL into tokens as PostgreSQL's scan.l does, in what matters for finding
the ends of statements: quotes, escape strings, their continuation on a new
line, dollar quotes, and comments that nest."""

import re
from typing import NamedTuple

WORD = "word"  # an unquoted identifier or keyword, in lower case
QUOTED = "quoted"  # "an identifier", without its quotes
UNICODE = "unicode"  # U&"an identifier": its name is not known
STRING = "string"  # a constant of any kind of quotes, without them, escapes left in
PARAM = "param"  # $1
NUMBER = "number"
OTHER = "other"  # one character of anything else
SEMICOLON = ";"


class Token(NamedTuple):
    kind: str
    text: str
    start: int
    end: int


class Unterminated(ValueError):
    """A quote or comment without end. at is where it begins."""

    def __init__(self, at):
        super().__init__("a quote or comment without end")
        self.at = at


_SPACE = re.compile(r"[ \t\n\v\f\r]+")
_LINE = re.compile(r"--[^\r\n]*")
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_WORD = re.compile(r"[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_$\x80-\U0010ffff]*")
_NUMBER = re.compile(r"[0-9.]+(?:[eE][+-]?[0-9]+)?")
_PARAM = re.compile(r"\$[0-9]+")
_TAG = re.compile(r"\$(?:[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_\x80-\U0010ffff]*)?\$")
_PLAIN = re.compile(r"[^']*(?:''[^']*)*'")  # '' stands for a quote
_ESCAPED = re.compile(r"[^'\\]*(?:(?:''|\\.)[^'\\]*)*'", re.DOTALL)  # \ takes the next character with it
_BITS = re.compile(r"[^']*'")
_IDENTIFIER = re.compile(r'[^"]*(?:""[^"]*)*"')
_UPPER = {c: c + 32 for c in range(ord("A"), ord("Z") + 1)}


def tokens(sql, backslash=False):
    """Yields the tokens of sql. backslash says that a backslash escapes in
    ordinary strings as well (standard_conforming_strings = off)."""
    at = _skip(sql, 0)
    while at < len(sql):
        kind, text, end = _scan(sql, at, backslash)
        yield Token(kind, text, at, end)
        at = _skip(sql, end)


def _scan(sql, at, backslash):
    c = sql[at]
    if c == "'":
        return _string(sql, at, 1, _ESCAPED if backslash else _PLAIN)
    if c == '"':
        return _identifier(sql, at, 1, QUOTED)
    if c == "$":
        return _dollar(sql, at)
    if c == ";":
        return SEMICOLON, ";", at + 1
    if _WORD.match(c):
        return _word(sql, at)
    if c in "0123456789" or c == "." and sql[at + 1 : at + 2] in tuple("0123456789"):
        end = _NUMBER.match(sql, at).end()
        return NUMBER, sql[at:end], end
    return OTHER, c, at + 1


def _skip(sql, at):
    """Skips white space and comments."""
    while True:
        found = _SPACE.match(sql, at) or _LINE.match(sql, at)
        if found:
            at = found.end()
        elif sql.startswith("/*", at):
            at = _comment_end(sql, at)
        else:
            return at


def _comment_end(sql, start):
    depth, at = 0, start
    while True:
        edge = _COMMENT_EDGE.search(sql, at)
        if not edge:
            raise Unterminated(start)
        depth += 1 if edge.group() == "/*" else -1
        at = edge.end()
        if depth == 0:
            return at


def _word(sql, at):
    """Scans an identifier, or the string that its first letters announce."""
    head = sql[at : at + 3].lower()
    if head.startswith("e'"):
        return _string(sql, at, 2, _ESCAPED)
    if head.startswith(("b'", "x'")):
        return _string(sql, at, 2, _BITS)
    if head == "u&'":
        return _string(sql, at, 3, _PLAIN)
    if head == 'u&"':
        return _identifier(sql, at, 3, UNICODE)
    end = _WORD.match(sql, at).end()
    return WORD, sql[at:end].translate(_UPPER), end


def _string(sql, start, skip, rule):
    """Scans a string whose opening is skip long, with all its continuations: a
    string that follows after a new line belongs to it, by the same rules."""
    parts, at = [], start + skip
    while True:
        found = rule.match(sql, at)
        if not found:
            raise Unterminated(start)
        parts.append(sql[at : found.end() - 1])
        at = _continuation(sql, found.end())
        if at is None:
            return STRING, "".join(parts), found.end()


def _continuation(sql, at):
    """Where a string goes on that has just been closed: behind white space
    with a new line in it, and a quote. None when it does not."""
    start = at
    while True:
        found = _SPACE.match(sql, at) or _LINE.match(sql, at)
        if not found:
            break
        at = found.end()
    newline = "\n" in sql[start:at] or "\r" in sql[start:at]
    return at + 1 if newline and sql.startswith("'", at) else None


def _identifier(sql, start, skip, kind):
    found = _IDENTIFIER.match(sql, start + skip)
    if not found:
        raise Unterminated(start)
    return kind, found.group()[:-1].replace('""', '"'), found.end()


def _dollar(sql, at):
    """Scans $1, $tag$…$tag$, or a lonely dollar sign."""
    found = _PARAM.match(sql, at)
    if found:
        return PARAM, found.group(), found.end()
    tag = _TAG.match(sql, at)
    if not tag:
        return OTHER, "$", at + 1
    end = sql.find(tag.group(), tag.end())
    if end < 0:
        raise Unterminated(at)
    return STRING, sql[tag.end() : end], end + len(tag.group())
