"""Tell a KeyboardInterrupt of the process from one that a handler raised.

A handler may raise whatever it likes: only its actor fails. But a Ctrl-C that
happens to hit while a handler runs is not the handler's, and must not be
swallowed as a crash.
"""

from __future__ import annotations

import dis
import signal
from typing import Any

__all__ = ["is_from_signal", "raise_error"]

_RAISE = dis.opmap["RAISE_VARARGS"]


def is_from_signal(error: BaseException) -> bool:
    """Tell whether the error is a KeyboardInterrupt that no ``raise`` statement made.

    Python raises a signal's KeyboardInterrupt between any two instructions; the
    innermost frame of its traceback then does not stand at a raise. Or it called the
    process's handler for the signal, such as the one of ``asyncio.run``, and that raised.
    """
    if not isinstance(error, KeyboardInterrupt):
        return False
    trace: Any = error.__traceback__
    if trace is None:
        return False
    handler = _code_of(signal.getsignal(signal.SIGINT))
    while trace.tb_frame.f_code is not handler and trace.tb_next is not None:
        trace = trace.tb_next
    code = trace.tb_frame.f_code
    return code is handler or bool(code.co_code[trace.tb_lasti] != _RAISE)


def _code_of(function: Any) -> Any:
    while hasattr(function, "func"):  # functools.partial
        function = function.func
    return getattr(function, "__code__", None)


def raise_error(error: BaseException) -> None:
    """Raise it; for a callback that carries an error to the top of the loop."""
    raise error
