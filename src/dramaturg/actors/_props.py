"""How to make an actor: its class, its arguments, its options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, cast, final

import pykka

from dramaturg.actors._errors import OptionError
from dramaturg.actors._failure import Directive

if TYPE_CHECKING:
    from collections.abc import Callable

    from dramaturg.actors._actor import Actor
    from dramaturg.actors._failure import Policy
    from dramaturg.actors._mailbox import MailboxSpec

__all__ = ["Props"]

A = TypeVar("A", bound="Actor | pykka.Actor")
B = TypeVar("B", bound="Actor | pykka.Actor")
P = ParamSpec("P")


@final
class Props(Generic[A]):
    """A recipe for an actor, used for its first start and for every restart.

    ``Props(Customer, "ann", limit=10)`` takes what ``Customer(...)`` takes. It is
    never changed: :meth:`using` makes a copy. The arguments are shared by all
    incarnations, so let them be immutable.

    :raises OptionError: if the first argument is not an actor class.
    """

    __slots__ = ("actor_class", "args", "kwargs", "options")

    def __init__(self, actor_class: Callable[P, A], *args: P.args, **kwargs: P.kwargs) -> None:
        cls: Any = actor_class
        if not isinstance(cls, type) or not issubclass(cls, pykka.Actor):
            raise OptionError(
                option="actor_class", value=cast("object", cls), expected="a subclass of Actor"
            )
        self.actor_class = cast("type[A]", cls)
        self.args: tuple[Any, ...] = args
        self.kwargs: dict[str, Any] = dict(kwargs)
        self.options: dict[str, Any] = {}

    @staticmethod
    def partial(actor_class: type[B], *args: Any, **kwargs: Any) -> Props[B]:
        """Make a recipe with only some of the arguments; for templates, which get the others later.

        :raises OptionError: if the first argument is not an actor class.
        """
        make: Any = Props
        return cast("Props[B]", make(actor_class, *args, **kwargs))

    def using(
        self,
        *,
        mailbox: MailboxSpec | None = None,
        policy: Policy | None = None,
        throughput: int | None = None,
        keep_mailbox: bool | None = None,
    ) -> Props[A]:
        """Copy the recipe with options that go before those of the class.

        :param mailbox: :class:`Unbounded`, :class:`Bounded` or :class:`Priority`.
        :param policy: what becomes of the actor when it fails: a :class:`Directive`
            or a function from :class:`Failure` to one.
        :param throughput: how many messages it may handle before others get a turn.
        :param keep_mailbox: False: a restart sends what is queued to the dead letters.
        :raises OptionError: for a value that cannot be.
        """
        options = {
            "mailbox": mailbox,
            "policy": policy,
            "throughput": throughput,
            "keep_mailbox": keep_mailbox,
        }
        copy: Props[A] = object.__new__(type(self))
        copy.actor_class = self.actor_class
        copy.args = self.args
        copy.kwargs = self.kwargs
        copy.options = self.options | {k: v for k, v in options.items() if v is not None}
        _check(copy.options)
        return copy

    def __repr__(self) -> str:
        given = [*map(repr, self.args), *(f"{k}={v!r}" for k, v in self.kwargs.items())]
        return f"Props({', '.join([self.actor_class.__name__, *given])})"


def _check(options: dict[str, Any]) -> None:
    throughput = options.get("throughput", 1)
    if not isinstance(throughput, int) or throughput < 1:
        raise OptionError(option="throughput", value=throughput, expected="an int of at least 1")
    policy = options.get("policy", Directive.STOP)
    if not isinstance(policy, Directive) and not callable(policy):
        raise OptionError(
            option="policy", value=policy, expected="a Directive or a function that returns one"
        )
    mailbox = options.get("mailbox")
    if isinstance(mailbox, type) or not (
        mailbox is None or callable(getattr(mailbox, "create", None))
    ):
        raise OptionError(
            option="mailbox", value=mailbox, expected="Unbounded(), Bounded(n) or Priority(key)"
        )
