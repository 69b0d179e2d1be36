"""What a flavour has to bring."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dramaturg.actors import Actor

Tell = Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class Cast:
    """The actor classes of a flavour, and how it makes its messages.

    :param counter: handles the hits, and `Total`.
    :param node: `(done)`; handles `Link`, tokens and `Total`.
    :param producer: `(target)`; handles `Produce`.
    :param stage: `(following)`; handles items.
    :param sink: `(expected, done)`; handles items.
    :param echo: handles echoes.
    :param asker: `(other)`; handles `AskOther`.
    :param hits: tells so many hits.
    """

    counter: type[Actor]
    node: type[Actor]
    producer: type[Actor]
    stage: type[Actor]
    sink: type[Actor]
    echo: type[Actor]
    asker: type[Actor]
    hits: Callable[[Tell, int], None]
    token: Callable[[int], object]
    item: Callable[[int], object]
    say: Callable[[int], object]
