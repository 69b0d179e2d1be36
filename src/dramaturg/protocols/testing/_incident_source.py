"""Source text: values as expressions, with the imports they need, laid out as formatters do."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from dramaturg.protocols._recording_errors import RecordingError

__all__ = [
    "INDENT",
    "WIDTH",
    "Atom",
    "Code",
    "Group",
    "Imports",
    "code_of",
    "lines_of",
    "quoted",
]

WIDTH = 88
"""The width that most formatters have by default; wider ones leave such lines as they are."""

INDENT = "    "


@dataclass(frozen=True, slots=True)
class Atom:
    """Text that is not broken; long strings are."""

    text: str


@dataclass(frozen=True, slots=True)
class Group:
    """Items between brackets, each with what stands in front of it: ``at=`` or ``"key": ``."""

    start: str
    items: tuple[tuple[str, Code], ...]
    end: str


Code: TypeAlias = "Atom | Group"


def flat(code: Code) -> str:
    """Write code in one line."""
    if isinstance(code, Atom):
        return code.text
    inner = ", ".join(label + flat(each) for label, each in code.items)
    # Only tuples have a bare bracket in front.
    lonely = code.start == "(" and len(code.items) == 1
    return f"{code.start}{inner}{',' if lonely else ''}{code.end}"


def lines_of(before: str, code: Code, after: str = "", indent: str = "") -> Iterator[str]:
    """Write code in one line if there is room, or else an item a line."""
    line = f"{indent}{before}{flat(code)}{after}"
    if len(line) <= WIDTH:
        yield line
    elif isinstance(code, Group) and code.items:
        yield f"{indent}{before}{code.start}"
        for label, each in code.items:
            yield from lines_of(label, each, ",", indent + INDENT)
        yield f"{indent}{code.end}{after}"
    elif isinstance(code, Atom) and code.text[:1] == '"' and "\\" not in code.text:
        yield f"{indent}{before}("
        yield from _pieces(code.text[1:-1], indent + INDENT)
        yield f"{indent}){after}"
    else:
        yield line


def _pieces(text: str, indent: str) -> Iterator[str]:
    size = WIDTH - len(indent) - 2
    for at in range(0, len(text), size):
        yield f'{indent}"{text[at : at + size]}"'


def quoted(value: str | bytes) -> str:
    """Write a string in double quotes, unless that would take more backslashes."""
    prefix, text = ("b", repr(value)[1:]) if isinstance(value, bytes) else ("", repr(value))
    if text[0] == "'" and '"' not in text:
        text = f'"{text[1:-1]}"'
    elif text[0] == "'" and text.count('"') <= text.count("\\'"):
        inner = text[1:-1].replace("\\'", "'").replace('"', '\\"')
        text = f'"{inner}"'
    return prefix + text


class Imports:
    """The names that a file imports.

    :param taken: names that the file gives to other things.
    """

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken: dict[str, str] = dict.fromkeys(taken, "")
        self._found: dict[str, set[str]] = {}

    def name(self, place: str) -> str:
        """Return what ``package.module:Class.inner`` is called in the file.

        :raises RecordingError: if it cannot be imported.
        """
        module, _, path = place.partition(":")
        if module == "__main__":
            raise RecordingError(thing=place, problem="it is in a script, which no test can import")
        if not all(each.isidentifier() for each in path.split(".")):
            raise RecordingError(thing=place, problem="it has no name that could be imported")
        if module == "builtins":
            return path
        top, _, rest = path.partition(".")
        called = self._called(module, top)
        return f"{called}.{rest}" if rest else called

    def _called(self, module: str, top: str) -> str:
        """Import a name; or its module, if the file has another thing of that name."""
        if self._taken.setdefault(top, module) == module:
            self._found.setdefault(module, set()).add(top)
            return top
        package, _, last = module.rpartition(".")
        if not package or self._taken.setdefault(last, package) != package:
            raise RecordingError(
                thing=f"{module}:{top}", problem="the test has another thing of that name"
            )
        self._found.setdefault(package, set()).add(last)
        return f"{last}.{top}"

    def lines(self) -> Iterator[str]:
        """Write the imports: the library's, others', one's own."""
        sections: dict[str, list[str]] = {"library": [], "others": [], "own": []}
        for module in sorted(self._found):
            sections[_section(module)].append(module)
        wanted = [modules for modules in sections.values() if modules]
        for number, modules in enumerate(wanted):
            if number:
                yield ""
            for module in modules:
                yield from self._line(module)

    def _line(self, module: str) -> Iterator[str]:
        names = sorted(self._found[module], key=_rank)
        line = f"from {module} import {', '.join(names)}"
        if len(line) <= WIDTH:
            yield line
        else:
            yield f"from {module} import ("
            yield from (f"{INDENT}{each}," for each in names)
            yield ")"


def _rank(name: str) -> tuple[bool, bool, str]:
    """Sort as linters do: constants, classes, functions."""
    return not (name.isupper() and len(name) > 1), not name[0].isupper(), name


def _section(module: str) -> Literal["library", "others", "own"]:
    top = module.partition(".")[0]
    if top in sys.stdlib_module_names:
        return "library"
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return "own"
    places = [] if spec is None else [spec.origin or "", *(spec.submodule_search_locations or ())]
    return "others" if any("site-packages" in each for each in places) else "own"


# -- values ------------------------------------------------------------------------------

BRACKETS = {"list": ("[", "]"), "tuple": ("(", ")"), "set": ("{", "}")}


def code_of(shape: Any, imports: Imports) -> Code:
    """Write a shape as an expression that makes its value; refs by calling ``ref``.

    :raises RecordingError: if a class in it cannot be imported.
    """
    if shape.__class__ is not list:
        return _plain(shape)
    parts: list[Any] = shape
    tag, *rest = parts
    if tag == "dict":
        pairs = [(f"{flat(code_of(key, imports))}: ", code_of(each, imports)) for key, each in rest]
        return Group("{", tuple(pairs), "}")
    if tag == "ref":
        return Group("ref(", (("", Atom(quoted(rest[0]))),), ")")
    if tag in {"list", "tuple", "set", "frozenset"}:
        return _items(tag, [code_of(each, imports) for each in rest])
    return _named(tag, imports.name(rest[0]), rest[1:], imports)


def _named(tag: str, name: str, rest: list[Any], imports: Imports) -> Code:
    if tag in {"enum", "name"}:
        return Atom(".".join([name, *rest]))
    if tag == "call":
        return _call(name, [("", code_of(each, imports)) for each in rest])
    return _call(name, [_field(field, code_of(each, imports)) for field, each in rest])


def _field(field: str, value: Code) -> tuple[str, Code]:
    if not field.isidentifier():
        raise RecordingError(thing=f"field {field!r}", problem="it cannot be given by its name")
    return f"{field}=", value


def _items(tag: str, items: list[Code]) -> Code:
    inner = tuple(("", each) for each in items)
    if tag == "frozenset" or (tag == "set" and not items):
        return _call(tag, [("", Group("{", inner, "}"))] if items else [])
    start, end = BRACKETS[tag]
    return Group(start, inner, end)


def _call(name: str, arguments: list[tuple[str, Code]]) -> Code:
    return Group(f"{name}(", tuple(arguments), ")")


def _plain(value: Any) -> Code:
    if isinstance(value, str | bytes):
        return Atom(quoted(value))
    if isinstance(value, float) and repr(value).lstrip("-") in {"nan", "inf"}:
        return Atom(f'float("{value!r}")')
    return Atom(repr(value))
