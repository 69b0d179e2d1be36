"""Supervised actors for Python.

Everything that lives is an actor with a mailbox, and everything that happens is a message.
`dramaturg.actors` runs actors and sees that no message and no failure is lost,
`dramaturg.supervision` decides what becomes of an actor that failed, and `dramaturg.protocols` is
for conversations between actors. Imports run one way: `actors` knows nothing of `supervision`, and
neither knows anything of `protocols`.
"""

__all__ = ["__version__"]

__version__ = "0.1.0"
