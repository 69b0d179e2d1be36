"""What is wrong with a declaration is said when the class is defined."""
# pyright: reportUnusedClass=false
# Defining a class is the whole of many a test.

import abc
from typing import Any

import pytest

from dramaturg.actors import EventSourced, HandlerDefinitionError, Message
from tests.actors.event_kit import Account, Balance, Deposited, Withdrawn


class Plain:
    """No message."""


def without_apply() -> None:
    class Wrong(EventSourced[Balance]):
        pass


def without_annotations() -> None:
    class Wrong(EventSourced[Balance]):
        def apply(self, state, event):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
            return state


def without_the_state() -> None:
    class Wrong(EventSourced[Balance]):
        def apply(self, state: Balance, event: Deposited):  # type: ignore[no-untyped-def]  # noqa: ANN202
            return state


def with_unknown_names() -> None:
    class Wrong(EventSourced[Balance]):
        def apply(self, state: Balance, event: "Missing") -> Balance:  # type: ignore[name-defined]  # noqa: F821
            return state


def with_events_of_no_type() -> None:
    class Wrong(EventSourced[Balance]):
        def apply(self, state: Balance, event: Deposited | Plain) -> Balance:
            return state


def with_two_types_of_one_name() -> None:
    class Other(Message, name="bank.deposited"):
        pass

    class Wrong(EventSourced[Balance]):
        def apply(self, state: Balance, event: Deposited | Other) -> Balance:
            return state


def with_on_start() -> None:
    class Wrong(Account):
        async def on_start(self) -> None:
            pass


def with_async_apply() -> None:
    class Wrong(Account):
        async def apply(self, state: Balance, event: Deposited | Withdrawn) -> Balance:  # type: ignore[override]
            return state


def with_a_text_for_an_id() -> None:
    class Wrong(Account):
        persistence_id = "account"  # type: ignore[assignment]


def with_async_tags() -> None:
    class Wrong(Account):
        async def tags(self, event: Any) -> Any:  # type: ignore[override] # pyright: ignore[reportIncompatibleMethodOverride]
            return ()


def with_snapshots_never() -> None:
    class Wrong(Account):
        snapshot_every = 0


def with_snapshots_sometimes() -> None:
    class Wrong(Account):
        snapshot_every = True


def without_kept_snapshots() -> None:
    class Wrong(Account):
        keep_snapshots = 0


WRONG = {
    "apply": [
        without_apply,
        without_annotations,
        without_the_state,
        with_unknown_names,
        with_events_of_no_type,
        with_two_types_of_one_name,
        with_async_apply,
    ],
    "on_start": [with_on_start],
    "persistence_id": [with_a_text_for_an_id],
    "tags": [with_async_tags],
    "snapshot_every": [with_snapshots_never, with_snapshots_sometimes],
    "keep_snapshots": [without_kept_snapshots],
}


@pytest.mark.parametrize(
    ("method", "define"),
    [(method, define) for method, found in WRONG.items() for define in found],
    ids=[define.__name__ for found in WRONG.values() for define in found],
)
def test_a_wrong_declaration_is_refused(method: str, define: Any) -> None:
    with pytest.raises(HandlerDefinitionError) as raised:
        define()

    assert raised.value.method == method
    assert "Wrong" in raised.value.owner


def test_a_common_base_may_be_abstract() -> None:
    class Base(EventSourced[Any], abc.ABC):
        @abc.abstractmethod
        def apply(self, state: Any, event: Any) -> Any: ...

    class Concrete(Base):
        def apply(self, state: None, event: Deposited) -> None:
            return None

    assert [each.name for each in Concrete.types] == ["bank.deposited"]


def test_events_and_state_are_known_by_the_annotations() -> None:
    assert sorted(each.name for each in Account.types) == [
        "bank.balance",
        "bank.deposited",
        "bank.withdrawn",
    ]
