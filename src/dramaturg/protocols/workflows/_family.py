"""All versions of one workflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dramaturg.actors import RegistryError, TypeRegistry
from dramaturg.protocols.workflows._errors import WorkflowDefinitionError
from dramaturg.protocols.workflows._records import RECORDS
from dramaturg.protocols.workflows._step import Action

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dramaturg.actors import Upcaster
    from dramaturg.protocols.workflows._definition import Definition

__all__ = ["Family"]


class Family:
    """The definition of a workflow, and the earlier ones that instances in flight may need."""

    def __init__(
        self, newest: Definition, earlier: Sequence[Definition], upcasters: Sequence[Upcaster]
    ) -> None:
        self.newest = newest
        self.name = newest.name
        self.versions = {each.version: each for each in (*earlier, newest)}
        self.within = tuple(_within(self.versions.values()))
        """The workflows that are steps of this one, at any depth."""
        registry: TypeRegistry = RECORDS
        try:
            registry = RECORDS.including(
                *(each.registry for each in self.versions.values()), *upcasters
            )
        except RegistryError as error:
            raise WorkflowDefinitionError(
                thing=f"workflow {self.name!r}",
                problem=f"has types that do not go together ({error})",
                expected="one type for each name in all versions",
            ) from error
        self.registry = registry

    def persistence_id(self, instance: str) -> str:
        """Return the id under which the journal knows an instance."""
        return f"workflow/{self.name}/{instance}"

    def label(self, status: str) -> str:
        """Return the label under which the journal finds instances."""
        return f"workflow/{self.name} {status}"

    @property
    def busy_and_stuck(self) -> str:
        """The label of what is stuck, and has something to do all the same."""
        return self.label("running, stuck")

    def resembles(self, other: Family) -> bool:
        """Tell whether it is the same declaration, perhaps made again."""
        return {version: each.fingerprint for version, each in self.versions.items()} == {
            version: each.fingerprint for version, each in other.versions.items()
        }


def _within(definitions: Iterable[Definition]) -> dict[Family, None]:
    found: dict[Family, None] = {}
    for definition in definitions:
        for step in definition.steps:
            participant = step.participant if isinstance(step, Action) else None
            family: Family | None = getattr(participant, "_family", None)
            if family is not None:
                found.update(dict.fromkeys((*family.within, family)))
    return found
