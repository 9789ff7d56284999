"""What an application meets in a shadow that it would not meet otherwise. All
are errors of the driver, so that Django turns them into its own."""

import psycopg2

REMEDIES = {
    "concurrent-transactions": "a second transaction was begun while one is open; a shadow has one session",
    "database": "a shadow has the session of one database, and this is another",
    "isolation": "a shadow can not change the isolation level of its transaction",
    "statement": "a statement was not recognised, and what is not recognised is not sent",
    "syntax": "a statement has a quote or comment without end",
    "too-many-statements": "more writing statements outside of a transaction than a shadow may have; "
    "each needs a subtransaction",
}


class ShadowRefused(psycopg2.NotSupportedError):
    """A shadow was asked for something that it does not send to the database.
    reason is as in the acknowledgement: "escape:commit", "unsupported:vacuum"."""

    pgcode = "0A000"

    def __init__(self, reason):
        self.reason = reason
        kind, _, what = reason.partition(":")
        if kind == "escape":
            how = (
                f"{what.replace('-', ' ').upper()} is not sent inside a shadow request ({reason})\n"
                "  use transaction.atomic: it works in a shadow"
            )
        else:
            told = REMEDIES.get(what, what.replace("-", " ") + " is not available inside a shadow request")
            how = f"{told} ({reason})\n  the request can not be compared; see the limits in docs/writes.md"
        super().__init__("quack_shadow: " + how)


class ShadowOver(psycopg2.OperationalError):
    """The shadow is over, its transaction rolled back: work that a view has
    left running is never sent to the live database."""

    pgcode = "57014"

    def __init__(self):
        super().__init__(
            "quack_shadow: the shadow request is over, its transaction rolled back\n"
            "  work that goes on after a request should not be started by a shadow: see quack_shadow.active"
        )


class SessionLost(psycopg2.OperationalError):
    """The shadow's session was ended from outside, or the network failed."""


class Unreachable(Exception):
    """There is no server to ask what became of a shadow, or it is not the one
    that had its session: perhaps it has restarted."""


class ArmError(Exception):
    """A shadow's session can not be made fit. reason is why nothing is run."""

    def __init__(self, message, reason="unsupported:arm"):
        super().__init__(message)
        self.reason = reason
