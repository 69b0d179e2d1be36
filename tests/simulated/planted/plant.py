"""A bug that is planted into the runtime for as long as a block lasts."""

import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Bug:
    """A bug, and the case that is to find it.

    :param name: what is wrong, after its area and a slash.
    :param found_by: the name of a case.
    :param plant: makes the block in which the runtime has the bug.
    """

    name: str
    found_by: str
    plant: Callable[[], AbstractContextManager[object]]

    @property
    def area(self) -> str:
        return self.name.partition("/")[0]


@contextmanager
def replaced(owner: Any, name: str, made: Callable[[Any], Any]) -> Generator[None]:
    """Replace one attribute by what is made of it."""
    # Not by getattr, which would bind and unwrap it.
    before = owner.__dict__[name]
    setattr(owner, name, made(before))
    try:
        yield
    finally:
        setattr(owner, name, before)


def method(owner: type, name: str, made: Callable[[Any], Any]) -> Callable[[], Any]:
    """Plan to replace a method of a class."""
    return lambda: replaced(owner, name, made)


def attribute(owner: Any, name: str, made: Callable[[Any], Any]) -> Callable[[], Any]:
    """Plan to replace one attribute of a module."""
    return lambda: replaced(owner, name, made)


def function(original: Callable[..., Any], made: Callable[[Any], Any]) -> Callable[[], Any]:
    """Plan to replace a function wherever the library has imported it."""
    return lambda: _everywhere(original, made)


def handling(owner: type, message: type, made: Callable[[Any], Any]) -> Callable[[], Any]:
    """Plan to replace the handler that an actor class has for a message."""
    return lambda: _handling(owner, message, made)


def both(*plans: Callable[[], Any]) -> Callable[[], Any]:
    """Plan several replacements at once."""
    return lambda: _all(plans)


@contextmanager
def _all(plans: tuple[Callable[[], Any], ...]) -> Generator[None]:
    with ExitStack() as stack:
        for plan in plans:
            stack.enter_context(plan())
        yield


@contextmanager
def _everywhere(original: Any, made: Callable[[Any], Any]) -> Generator[None]:
    buggy = made(original)
    modules = [each for name, each in sys.modules.items() if name.startswith("dramaturg")]
    places = [
        (module, name)
        for module in modules
        for name, value in tuple(vars(module).items())
        if value is original
    ]
    for module, name in places:
        setattr(module, name, buggy)
    try:
        yield
    finally:
        for module, name in places:
            setattr(module, name, original)


@contextmanager
def _handling(owner: type[Any], message: type, made: Callable[[Any], Any]) -> Generator[None]:
    tables: list[dict[type, Any]] = [each._handlers for each in (owner, *_derived(owner))]
    before = [table[message] for table in tables]
    for table in tables:
        table[message] = made(table[message])
    try:
        yield
    finally:
        for table, handler in zip(tables, before, strict=True):
            table[message] = handler


def _derived(owner: type[Any]) -> Iterator[type[Any]]:
    for each in owner.__subclasses__():
        yield each
        yield from _derived(each)
