"""Who is interested in a message: found by its class and its name, never by asking everybody.

Interests stand on *shelves*: one shelf for those without a pattern, and one at the end of each
pattern in a trie of words. On a shelf they stand by type. So to find who wants a message is to
walk the trie with the words of its name, and to look on each shelf there for the
classes that the message's class is derived from; those who want something else are not met.
What was found is remembered until somebody subscribes or unsubscribes.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, TypeAlias, final

from dramaturg.protocols._topic_messages import is_request
from dramaturg.protocols._topic_pattern import ANY_WORDS, ONE_WORD, words_of

if TYPE_CHECKING:
    from dramaturg.protocols._topic_messages import Interest
    from dramaturg.protocols._topic_subscriber import Subscriber

__all__ = ["REMEMBERED", "Route", "TopicIndex"]

REMEMBERED = 4096
"""So many routes are remembered; names may be as many as there are orders."""

Route: TypeAlias = "tuple[tuple[Subscriber, bool], ...]"
"""Who gets a message, each with whether it wants the name too; the eldest first."""
_Shelf: TypeAlias = "dict[type, dict[tuple[Subscriber, Interest], None]]"


@final
class _Node:
    __slots__ = ("shelf", "words")

    def __init__(self) -> None:
        self.words: dict[str, _Node] = {}
        self.shelf: _Shelf = {}


@final
class TopicIndex:
    """The interests of a topic's subscribers."""

    def __init__(self) -> None:
        self._unnamed: _Shelf = {}
        self._root = _Node()
        self._routes: dict[tuple[type, str | None], Route | None] = {}

    def add(self, subscriber: Subscriber, interest: Interest) -> None:
        """Note an interest."""
        self._routes.clear()
        shelf = self._unnamed
        if interest.pattern is not None:
            node = self._root
            for word in words_of(interest.pattern):
                node = node.words.setdefault(word, _Node())
            shelf = node.shelf
        for each in interest.types:
            shelf.setdefault(each, {})[subscriber, interest] = None

    def remove(self, subscriber: Subscriber, interest: Interest) -> None:
        """Forget an interest that was noted."""
        self._routes.clear()
        if interest.pattern is None:
            _take_off(self._unnamed, subscriber, interest)
            return
        way: list[tuple[_Node, str]] = []
        node = self._root
        for word in words_of(interest.pattern):
            way.append((node, word))
            node = node.words[word]
        _take_off(node.shelf, subscriber, interest)
        for above, word in reversed(way):
            below = above.words[word]
            if below.shelf or below.words:
                break
            del above.words[word]

    def route(self, cls: type, name: str | None) -> Route | None:
        """Find who wants messages of the class under the name; None for a class of requests."""
        key = (cls, name)
        try:
            return self._routes[key]
        except KeyError:
            if len(self._routes) >= REMEMBERED:
                self._routes.clear()
            found = None if is_request(cls) else self._find(cls, name)
            self._routes[key] = found
            return found

    def _find(self, cls: type, name: str | None) -> Route:
        found: dict[Subscriber, bool] = {}
        for shelf in (self._unnamed, *self._shelves(name)):
            for base in cls.__mro__:
                for subscriber, interest in shelf.get(base, ()):
                    found[subscriber] = found.get(subscriber, False) or interest.with_name
        eldest_first = sorted(found, key=attrgetter("serial"))
        return tuple((each, found[each]) for each in eldest_first)

    def _shelves(self, name: str | None) -> list[_Shelf]:
        """Walk the trie along all ways at once: no name makes that slow, whatever the patterns."""
        # Nodes, each once, with whether the way to it ends with `#`, which takes further words.
        ends = _with_none_taken({self._root: False})
        for word in words_of(name):
            reached: dict[_Node, bool] = {}
            for node, takes_more in ends.items():
                if takes_more:
                    reached[node] = True
                for wanted in (word, ONE_WORD):
                    if wanted in node.words:
                        reached[node.words[wanted]] = False
            ends = _with_none_taken(reached)
        return [node.shelf for node in ends if node.shelf]


def _with_none_taken(nodes: dict[_Node, bool]) -> dict[_Node, bool]:
    """Add those that are reached if `#` stands for no word."""
    reached = dict(nodes)
    waiting = list(nodes)
    while waiting:
        below = waiting.pop().words.get(ANY_WORDS)
        if below is not None and below not in reached:
            reached[below] = True
            waiting.append(below)
    return reached


def _take_off(shelf: _Shelf, subscriber: Subscriber, interest: Interest) -> None:
    for each in interest.types:
        entries = shelf[each]
        del entries[subscriber, interest]
        if not entries:
            del shelf[each]
