"""Death watch: whoever watches is told of the end once, unless it has taken the watch back.

A restart is no end, and is not told. Monitor it ``by_pair``.
"""

from __future__ import annotations

from dramaturg.actors import Terminated
from dramaturg.protocols._order import NOTHING, parallel, repeat, sequence
from dramaturg.protocols._protocol import Protocol
from dramaturg.protocols._role import Role
from dramaturg.protocols._seen import Unwatched, Watched

__all__ = ["death_watch"]


def death_watch(notice: type = Terminated) -> Protocol:
    """Declare death watch, for one watcher and one watched actor.

    The end and the taking back of the watch may cross: then the news is sent, and the runtime drops
    it. Who watches what has ended already is told again: that is the next conversation.

    :param notice: the type of the message that the watcher is told with.
    """
    watcher, watched = Role("watcher", serves=True), Role("watched", serves=True)
    begin = watcher >> watched @ Watched
    return Protocol(
        "death_watch",
        roles=(watcher, watched),
        order=sequence(
            begin,
            parallel(
                repeat(begin | (watcher >> watched @ Unwatched)),
                (watched >> watcher @ notice) | NOTHING,
            ),
        ),
        about="A watcher is told once that the watched actor has ended.",
    )
