"""One actor against its protocol: the kit plays everybody else."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, cast

from dramaturg.actors import Actor, ActorRef, Props
from dramaturg.protocols._borders import MAPPING, Kind, instance, optional, shown
from dramaturg.protocols._role import Role
from dramaturg.protocols._rules import Rules
from dramaturg.protocols.testing._borders import check_given, check_kinds, takes
from dramaturg.protocols.testing._errors import ScenarioError
from dramaturg.protocols.testing._explore import investigate, limits_of, of_the_run
from dramaturg.protocols.testing._fault_targets import FaultTargets
from dramaturg.protocols.testing._faults import NO_FAULTS, Faults
from dramaturg.protocols.testing._replay import Replayed, replay_again
from dramaturg.protocols.testing._single_actor_kernel import ActorKernel, Casting
from dramaturg.protocols.testing._single_actor_messages import Messages, Peers, pools
from dramaturg.protocols.testing._single_actor_partners import subject_of
from dramaturg.protocols.testing._single_actor_shrink import with_simple_messages
from dramaturg.protocols.testing._single_actor_spelling import with_messages_spelled

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from dramaturg.protocols import MemberNames, Protocol
    from dramaturg.protocols.testing._search import Limits
    from dramaturg.protocols.testing._simulation import Simulation
    from dramaturg.protocols.testing._verdict import Verdict

__all__ = ["ActorUnderTest", "explore_actor", "replay_actor"]

ActorUnderTest: TypeAlias = "Callable[[Peers], Props[Any]] | Props[Any] | type[Actor]"
"""An actor class, its props, or a function that makes them from the refs of the others."""
Begin: TypeAlias = "Callable[[Simulation, ActorRef[Any], Peers], object]"

SCHEDULES = 200
"""So many conversations, unless somebody says how many."""


def _can_begin(value: object) -> bool:
    return callable(value) and takes(value, 3)


_BEGIN = optional(Kind(_can_begin, "a function of the simulation, the actor's ref and the others"))

MANY = 2
"""So many members has a role with many, unless the test says how many."""


class _Said(NamedTuple):
    """What the others may say, and how much of it."""

    messages: Messages
    values: int
    length: int
    illegal: int
    seed: int

    def check(self) -> None:
        check_kinds(messages=(self.messages, MAPPING))
        check_given(values=self.values, length=self.length, illegal=self.illegal, seed=self.seed)


def explore_actor(
    actor: ActorUnderTest,
    protocol: Protocol,
    *,
    role: Role | str,
    members: MemberNames | None = None,
    begin: Begin | None = None,
    messages: Messages | None = None,
    values: int = 8,
    length: int = 20,
    illegal: int = 0,
    faults: Faults = NO_FAULTS,
    schedules: int | None = None,
    events: int = 1_000,
    seed: int | None = None,
    allow: Collection[str] = (),
    horizon: float = 3_600.0,
) -> Verdict:
    """Look for a legal conversation in which an actor does not do its part.

    ::

        explore_actor(Store, shopping, role="store").check()
        explore_actor(lambda peers: Props(Clerk, peers["store"]), shopping, role="clerk").check()

    The others say whatever the protocol lets them, in any order it leaves open. It is a
    failure if the actor sends what its role may not, fails, has no handler for a message, is
    late for a deadline of the protocol, or comes to rest although it has still to send something.
    What it answers to a message counts as sent: the others send everything as requests. The
    schedule is shortened; the simplest messages with which it fails as well are named beside it.

    :param actor: what is tested; a function gets the refs of the others by role,
        ``peers["store"]``, or role and member, ``peers["participant-1"]``.
    :param role: which it plays; of a role that has many, the first member.
    :param members: how many, or which, members the roles with many have; default 2.
    :param begin: called with the simulation, the actor's ref and the others when all are there;
        to declare properties, or to set the actor going. May be a coroutine function.
    :param messages: for types of messages what to send: messages, a strategy, or a
        function of the others' refs. Default: made up by :func:`messages_of`.
    :param values: so many different messages of each type.
    :param length: so many messages of the others, at most.
    :param illegal: so many messages of the protocol that are not legal when they come; the
        actor may refuse them, but not fail. Its answer to such a request may be anything.
    :param faults: what may go wrong beside, see :func:`explore_system`.
    :param schedules: so many conversations, default 200; ``events`` and ``seed``: see
        :func:`explore`. For the same seed the messages are the same, too.
    :raises ScenarioError: for an actor, messages or an option that cannot be, or faults that name
        whom there was in no run.
    :raises UnknownRoleError: for a role that the protocol does not have.
    :raises NotReproducibleError: if the same schedule does not lead to the same run.
    :raises EscapeError: if the actor uses what is not controlled.
    """
    schedules, seed = of_the_run(schedules, seed, SCHEDULES)
    options = {"faults": faults, "allow": allow, "horizon": horizon}
    said = _Said({} if messages is None else messages, values, length, illegal, seed)
    casting = _casting(actor, protocol, role, said, members=members, begin=begin, options=options)
    return _searched(casting, said, limits_of(schedules, events), horizon)


def replay_actor(
    actor: ActorUnderTest,
    protocol: Protocol,
    token: str | Sequence[str],
    *,
    role: Role | str,
    members: MemberNames | None = None,
    begin: Begin | None = None,
    messages: Messages | None = None,
    values: int = 8,
    length: int = 20,
    illegal: int = 0,
    faults: Faults = NO_FAULTS,
    seed: int = 0,
    allow: Collection[str] = (),
    horizon: float = 3_600.0,
) -> Replayed:
    """Run one conversation again, from its token or its names.

    The options that say who takes part and what is said, ``seed`` among them, have to be those
    of :func:`explore_actor`.

    :raises ScenarioError: if it is no token; and as :func:`explore_actor`.
    :raises ForeignScheduleError: if nothing but the calm run is possible of it.
    """
    options = {"faults": faults, "allow": allow, "horizon": horizon}
    said = _Said({} if messages is None else messages, values, length, illegal, seed)
    casting = _casting(actor, protocol, role, said, members=members, begin=begin, options=options)
    return replay_again(lambda: ActorKernel(casting), token)


def _searched(casting: Casting, said: _Said, limits: Limits, horizon: float) -> Verdict:
    verdict = investigate(
        lambda: ActorKernel(casting),
        seed=said.seed,
        limits=limits,
        targets=casting.targets,
        horizon=horizon,
    )
    simplified = with_simple_messages(verdict, casting, said.messages, seed=said.seed)
    return with_messages_spelled(simplified, casting)


def _casting(
    actor: ActorUnderTest,
    protocol: Protocol,
    role: Role | str,
    said: _Said,
    *,
    members: MemberNames | None,
    begin: Begin | None,
    options: dict[str, Any],
) -> Casting:
    check_given(protocol=protocol, **options)
    check_kinds(begin=(begin, _BEGIN), members=(members, optional(MAPPING)))
    said.check()
    name = role.name if isinstance(role, Role) else role
    protocol.role(name)
    cast_with: dict[str, Any] = {each.name: MANY for each in protocol.roles if each.many}
    cast_with |= dict(members or {})
    received = dict.fromkeys(each.message for each in protocol.sends if each.receiver.name == name)
    return Casting(
        rules=Rules(protocol, protocol.members(cast_with)),
        subject=subject_of(protocol, name, cast_with),
        make=_maker(actor),
        begin=begin,
        pools=pools(protocol, received, said.messages, values=said.values, seed=said.seed),
        messages=said.length,
        illegal=said.illegal,
        options=options,
        targets=FaultTargets(options["faults"]),
    )


def _maker(actor: ActorUnderTest) -> Callable[[Peers], Props[Any]]:
    if isinstance(actor, Props) or inspect.isclass(actor):
        props: Props[Any] = actor if isinstance(actor, Props) else Props(actor)
        _check_arguments(props)
        return lambda _: props
    if not callable(actor) or not takes(actor, 1) or inspect.iscoroutinefunction(actor):
        raise _no_actor(actor, "is no actor")

    def make(peers: Peers) -> Props[Any]:
        made: Any = actor(peers)
        if not _RECIPE.fits(made):
            raise _no_actor(actor, f"has returned {shown(made)}")
        return cast("Props[Any]", made)

    return make


_RECIPE = instance((Props, type), "an actor class, or Props")


def _no_actor(actor: object, problem: str) -> ScenarioError:
    return ScenarioError(
        thing=shown(actor),
        problem=problem,
        expected="an actor class, Props, or a function from the other actors to Props",
    )


def _check_arguments(props: Props[Any]) -> None:
    """Check that the actor takes its arguments; an ``__init__`` that it has not, ignores them."""
    cls = props.actor_class
    own = cls.__init__ is not Actor.__init__
    try:
        signature = inspect.signature(cls.__init__ if own else _without_arguments)
        signature.bind(None, *props.args, **props.kwargs)
    except ValueError:  # one that is written in C
        return
    except TypeError as error:
        raise ScenarioError(
            thing=shown(props),
            problem=f"cannot be made: {error}",
            expected=f"what {cls.__qualname__}.__init__ takes",
        ) from None


def _without_arguments(_self: object) -> None: ...
