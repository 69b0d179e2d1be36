"""Every public module says what it exports, exactly."""

import ast
import inspect
import pkgutil
from importlib import import_module
from types import ModuleType

import pytest

import dramaturg


def public_modules() -> list[str]:
    below = pkgutil.walk_packages(dramaturg.__path__, "dramaturg.")
    names = [dramaturg.__name__, *(module.name for module in below)]
    return [name for name in names if "._" not in name]


def exported(module: ModuleType) -> set[str]:
    """Return the names a user can see in `module`.

    A package re-exports and does nothing else, so all that is in it counts, but for its modules.
    A module must import what it works with, so there only what it defines counts.
    """
    if hasattr(module, "__path__"):
        seen = {name for name, value in vars(module).items() if not inspect.ismodule(value)}
    else:
        seen = defined(module)
    return {name for name in seen if not name.startswith("_")}


def defined(module: ModuleType) -> set[str]:
    names = set[str]()
    for node in ast.parse(inspect.getsource(module)).body:
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                names.add(name)
            case ast.AsyncFunctionDef(name=name) | ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
            case ast.Assign(targets=targets):
                names.update(target.id for target in targets if isinstance(target, ast.Name))
            case _:
                pass
    return names


def in_order(names: list[str]) -> list[str]:
    """Sort as ruff does: constants, classes, functions."""
    return sorted(names, key=lambda name: (not name.isupper(), not name[:1].isupper(), name))


@pytest.mark.parametrize("name", public_modules())
def test_a_public_module_exports_what_it_lists_and_nothing_else(name: str) -> None:
    module = import_module(name)
    listed = [each for each in module.__all__ if not each.startswith("_")]

    strays = exported(module) - set(listed)

    assert strays == set()
    assert [each for each in module.__all__ if not hasattr(module, each)] == []


@pytest.mark.parametrize("name", public_modules())
def test_the_list_of_exports_is_sorted_and_has_no_name_twice(name: str) -> None:
    listed: list[str] = import_module(name).__all__

    assert listed == in_order(listed)
    assert len(listed) == len(set(listed))
