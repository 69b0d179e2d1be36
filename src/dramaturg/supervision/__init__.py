"""What becomes of an actor that failed: trees, restart strategies, back-off and degradation.

Imports run one way, `actors` <- `supervision` <- `protocols`: this package builds on
`dramaturg.actors` alone, which reports each failure to the parent and leaves the decision to it.

Nothing is in it yet.
"""

from dramaturg import _links

__all__: list[str] = []

if __name__ == "supervision":  # reached through the link at the top of a checkout
    _links.link(__name__)
