"""Tell a KeyboardInterrupt of the process from one that a handler raised.

A handler may raise whatever it likes: only its actor fails. But a Ctrl-C that
happens to hit while a handler runs is not the handler's, and must not be
swallowed as a crash.
"""

from __future__ import annotations

import dis
from typing import Any

__all__ = ["is_from_signal", "raise_error"]

_RAISE = dis.opmap["RAISE_VARARGS"]


def is_from_signal(error: BaseException) -> bool:
    """Tell whether the error is a KeyboardInterrupt that no ``raise`` statement made.

    Python raises a signal's KeyboardInterrupt between any two instructions; the
    innermost frame of its traceback then does not stand at a raise.
    """
    if not isinstance(error, KeyboardInterrupt):
        return False
    trace: Any = error.__traceback__
    if trace is None:
        return False
    while trace.tb_next is not None:
        trace = trace.tb_next
    return bool(trace.tb_frame.f_code.co_code[trace.tb_lasti] != _RAISE)


def raise_error(error: BaseException) -> None:
    """Raise it; for a callback that carries an error to the top of the loop."""
    raise error
