"""A workflow as it is declared: checked, fingerprinted, with the types that it stores."""

from __future__ import annotations

import hashlib
from dataclasses import is_dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, cast, get_args, get_origin

from pydantic import BaseModel

from dramaturg.actors import RegistryError, TypeRegistry
from dramaturg.protocols.workflows._errors import WorkflowDefinitionError
from dramaturg.protocols.workflows._records import RECORDS
from dramaturg.protocols.workflows._step import Action, Saga, Step, WaitFor

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["DEEPEST", "Definition"]

DEEPEST = 64
"""So many steps may be within each other. What one leads to goes up and down through them all."""


class Definition:
    """The checked content of a workflow."""

    def __init__(
        self, name: str, root: Step, *, takes: Any, version: int, types_: Iterable[type]
    ) -> None:
        self.name = name
        self.root = root
        self.takes = takes
        self.version = version
        _check_depth(name, root)
        self.steps = tuple(root.walk())
        self._check_names()
        self.compensates = any(
            isinstance(each, Saga) or (isinstance(each, Action) and each.compensate is not None)
            for each in self.steps
        )
        self.fingerprint = hashlib.sha256(_shape(root).encode()).hexdigest()[:16]
        self.registry = self._registry(types_)

    def labels(self) -> dict[str, str]:
        """Return who does a step, and who undoes it, by the last part of their addresses."""
        found: dict[str, str] = {}
        for each in self.steps:
            if isinstance(each, Action):
                found[each.name] = each.participant.label
                if each.compensate is not None:
                    found[f"{each.name}!undo"] = each.compensate.participant.label
        return found

    def _check_names(self) -> None:
        seen: dict[str, Step] = {}
        for each in self.steps:
            if each.name in seen:
                how = "the same step at two places" if seen[each.name] is each else "two steps"
                raise WorkflowDefinitionError(
                    thing=f"workflow {self.name!r}",
                    problem=f"has {how} called {each.name!r}",
                    expected=f"a name of its own for each step, its address{_hint(each)}",
                )
            seen[each.name] = each

    def _registry(self, types_: Iterable[type]) -> TypeRegistry:
        found: dict[Any, None] = {}
        annotations = [self.takes, *types_]
        for each in self.steps:
            if isinstance(each, Action):
                annotations.append(each.participant.gives)
            elif isinstance(each, WaitFor):
                annotations.append(each.takes)
        for annotation in annotations:
            found.update(dict.fromkeys(_storable(annotation)))
        try:
            return RECORDS.including(*found)
        except RegistryError as error:
            raise WorkflowDefinitionError(
                thing=f"workflow {self.name!r}",
                problem=f"has a type that cannot be stored ({error})",
                expected="messages, pydantic models, enums and frozen dataclasses",
            ) from error


def _hint(step: Step) -> str:
    return "" if isinstance(step, Action) else "; give it one by name=..."


def _check_depth(name: str, root: Step) -> None:
    level: list[Step] = [root]
    deep = 0
    while level:
        deep += 1
        if deep > DEEPEST:
            raise WorkflowDefinitionError(
                thing=f"workflow {name!r}",
                problem=f"has more than {DEEPEST} steps within each other, as {level[0].name!r} is",
                expected=f"at most {DEEPEST}; a workflow of its own can be a step",
            )
        level = [within for each in level for within in (*each.inside, *each.aside)]


def _storable(annotation: Any) -> Iterator[type]:
    """Go through the types in an annotation that have to be registered."""
    if get_origin(annotation) is not None:
        for each in get_args(annotation):
            yield from _storable(each)
    elif isinstance(annotation, type):
        cls = cast("type[Any]", annotation)
        if issubclass(cls, BaseModel):
            if cls is not BaseModel and not cls.__pydantic_generic_metadata__["parameters"]:
                yield cls
        elif issubclass(cls, Enum) or is_dataclass(cls):
            yield cls


def _shape(step: Step) -> str:
    """Write down what decides how records are understood: kinds, names, order and options."""
    inside = ", ".join(_shape(each) for each in step.inside)
    recover = step.options.on_error
    said = [step.kind, repr(step.name), f"({inside})"]
    if step.options.when is not None:
        said.append("when")
    if step.options.timeout is not None:
        said.append("timeout")
    if recover is not None:
        said.append("recover" if recover.step is None else f"recover {_shape(recover.step)}")
    if isinstance(step, Action) and step.compensate is not None:
        said.append(f"undo {_shape(step.compensate)}")
    return " ".join(said)
