"""What can go wrong in words a person can act on.

Every error a user can cause is a `DiptychError` whose message is one line: what happened, and what to do.
The command line prints that line and nothing else.
"""

from __future__ import annotations


class DiptychError(Exception):
    """Something failed; the message is one line that says what happened and what to do."""


class DiptychWarning(UserWarning):
    """Something worth knowing that stops nothing, such as a query text that was cut."""
