"""Workflows as message protocols between actors, and the means to test protocols.

Imports run one way, `actors` <- `supervision` <- `protocols`: this package may build on both of the
others, and neither of them knows it.

Nothing is in it yet.
"""

from dramaturg import _links

__all__: list[str] = []

if __name__ == "protocols":  # reached through the link at the top of a checkout
    _links.link(__name__)
