"""Who is alive in an actor system, told by its lifecycle events alone."""

from collections import Counter
from typing import Final

from dramaturg.actors import ActorEnded, ActorStarted, EventStream

FEW: Final = 12
"""So many children of one parent are named; more are counted."""


class Census:
    """Counts heads from the moment that it is made; make it before the first actor."""

    def __init__(self, events: EventStream) -> None:
        self._alive: set[str] = set()
        self.most_alive = 0
        events.subscribe(self._started, ActorStarted)
        events.subscribe(self._ended, ActorEnded)

    def _started(self, event: ActorStarted) -> None:
        self._alive.add(event.path)
        self.most_alive = max(self.most_alive, len(self._alive))

    def _ended(self, event: ActorEnded) -> None:
        self._alive.discard(event.path)

    def tree(self) -> tuple[str, ...]:
        """Draw the tree of those alive, a line for each parent and each named child."""
        return tree_of(frozenset(self._alive))


def tree_of(paths: frozenset[str]) -> tuple[str, ...]:
    r"""Draw paths as a tree.

    >>> print(*tree_of(frozenset({"/a", "/a/b", "/c"})), sep="\n")
    /
    ├── a (1)
    │   └── b
    └── c
    """
    children = Counter(path.rpartition("/")[0] for path in paths)

    def below(parent: str, indent: str) -> list[str]:
        names = sorted(path for path in paths if path.rpartition("/")[0] == parent)
        if len(names) > FEW and parent:
            return []
        lines: list[str] = []
        for path in names:
            last = path == names[-1]
            count = f" ({children[path]})" if children[path] else ""
            name = path.rpartition("/")[2]
            lines.append(f"{indent}{'└── ' if last else '├── '}{name}{count}")
            lines += below(path, indent + ("    " if last else "│   "))
        return lines

    return ("/", *below("", ""))
