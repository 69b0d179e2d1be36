"""The links at the top of the tree lead to the packages themselves, not to copies."""

import pkgutil
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parent.parent
PACKAGES = ["actors", "supervision", "protocols"]

pytestmark = pytest.mark.skipif(
    not all((CHECKOUT / name).is_symlink() for name in PACKAGES),
    reason="links are for checkouts: archives do not carry them",
)


@pytest.fixture(autouse=True)
def _import_state(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Take back what importing through a link changes."""
    modules = dict(sys.modules)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.setattr(sys, "path", [str(CHECKOUT), *sys.path])
    yield
    for name in sys.modules.keys() - modules.keys():
        if name.partition(".")[0] in PACKAGES:
            del sys.modules[name]


def modules_of(package: str) -> list[str]:
    path = [str(CHECKOUT / "src" / "dramaturg" / package)]
    return [package, *(module.name for module in pkgutil.walk_packages(path, f"{package}."))]


@pytest.mark.parametrize("name", PACKAGES)
def test_a_link_leads_to_the_package_of_its_name(name: str) -> None:
    assert (CHECKOUT / name).readlink() == Path("src", "dramaturg", name)


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_imported_through_its_link_exports_the_very_same_objects(name: str) -> None:
    linked, package = import_module(name), import_module(f"dramaturg.{name}")

    assert linked.__all__ == package.__all__
    for each in package.__all__:
        assert getattr(linked, each) is getattr(package, each)


@pytest.mark.parametrize("name", [each for package in PACKAGES for each in modules_of(package)])
def test_a_module_imported_through_a_link_is_the_very_same_module(name: str) -> None:
    linked, module = import_module(name), import_module(f"dramaturg.{name}")

    assert linked is module
    assert module.__spec__ is not None
    assert module.__spec__.name == f"dramaturg.{name}"
