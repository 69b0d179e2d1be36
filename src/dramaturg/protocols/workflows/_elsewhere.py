"""Instances in flight that another process has: they are tried again until that is gone.

An id belongs to the process that wrote to it last, as long as that lives; so of those that one
holder has it is enough to look at one.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from dramaturg.actors import ConcurrentWriter, JournalError
from dramaturg.supervision import Backoff

if TYPE_CHECKING:
    from collections.abc import Collection

    from dramaturg.actors import ActorContext
    from dramaturg.actors.journal import Journal
    from dramaturg.protocols.workflows._family import Family

__all__ = ["Elsewhere", "LookAgain", "in_flight"]

PAUSES = Backoff(0.5, 5.0, jitter=0.2)


@dataclass(frozen=True, slots=True)
class LookAgain:
    """It is time to look who has them now."""


@final
@dataclass(frozen=True, slots=True)
class _One:
    family: Family
    instance: str
    holder: str | None


@final
class Elsewhere:
    """What others have, by the id under which the journal knows it."""

    def __init__(self, context: ActorContext) -> None:
        self._context = context
        self._known: dict[str, _One] = {}
        self._looks = 0
        self._is_due = False

    def __contains__(self, key: str) -> bool:
        return key in self._known

    def add(self, family: Family, instance: str, error: ConcurrentWriter) -> None:
        """Take note of one, and look again in a while."""
        key = family.persistence_id(instance)
        if key not in self._known:
            log = self._context.log.bind(instance=key, holder=error.holder)
            # A process may have a thousand of them: one line says who it is.
            is_new = error.holder is None or error.holder not in self._holders()
            say = log.warning if is_new else log.debug
            say("workflow_written_elsewhere", error=str(error))
        self._known[key] = _One(family, instance, error.holder)
        self._look_later()

    def who(self, key: str) -> tuple[Family, str]:
        """Return the workflow of one, and its instance."""
        one = self._known[key]
        return one.family, one.instance

    def discard(self, key: str) -> None:
        """Forget one: it is here, or it is tried."""
        self._known.pop(key, None)

    def _holders(self) -> set[str | None]:
        return {each.holder for each in self._known.values()}

    def _look_later(self) -> None:
        if self._is_due:
            return
        self._is_due = True
        pause = PAUSES.delay(self._looks, self._context.random)
        self._context.start_timer(LookAgain, LookAgain(), after=pause)

    async def look(self, journal: Journal, wanted: Collection[str]) -> list[tuple[Family, str]]:
        """Return those that nobody has any more, and look again in a while for the others.

        :param wanted: those that are kept although they have ended.
        """
        if not self._known:
            return []
        self._is_due = False
        freed: list[tuple[Family, str]] = []
        try:
            await self._forget_ended(journal, wanted)
            freed = await self._freed(journal)
        except JournalError as error:
            self._context.log.warning("workflow_elsewhere_not_known", error=str(error))
        self._looks += 1
        if self._known:
            self._look_later()
        else:
            self._looks = 0
            self._context.cancel_timer(LookAgain)
        return freed

    async def _forget_ended(self, journal: Journal, wanted: Collection[str]) -> None:
        families = {each.family.name: each.family for each in self._known.values()}
        running: set[str] = set()
        for family in families.values():
            running.update(await in_flight(journal, family))
        for key in self._known.keys() - running - set(wanted):
            self.discard(key)

    async def _freed(self, journal: Journal) -> list[tuple[Family, str]]:
        by_holder: defaultdict[str, list[str]] = defaultdict(list)
        for key, one in self._known.items():
            # Without a name nobody knows whether two are the same.
            by_holder[one.holder or key].append(key)
        freed: list[tuple[Family, str]] = []
        for keys in by_holder.values():
            try:
                await journal.head(keys[0])
            except ConcurrentWriter as error:
                one = self._known[keys[0]]
                self._known[keys[0]] = _One(one.family, one.instance, error.holder)
                continue
            except JournalError:
                pass  # their coordinators say so, and try again
            for key in keys:
                one = self._known.pop(key)
                freed.append((one.family, one.instance))
        return freed


async def in_flight(journal: Journal, family: Family) -> list[str]:
    """Return the ids, in the journal, of the instances of a workflow that have something to do.

    :raises JournalError: if it cannot be searched.
    """
    labels = (family.label("running"), family.busy_and_stuck)
    return [each for label in labels async for each in journal.labelled(label)]
