"""One actor against its protocol: the kit plays everybody else."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from dramaturg.actors import Actor, ActorRef, Props
from dramaturg.protocols._role import Role
from dramaturg.protocols._rules import Rules
from dramaturg.protocols.testing._errors import ScenarioError
from dramaturg.protocols.testing._explore import investigate, limits_of
from dramaturg.protocols.testing._faults import NO_FAULTS, Faults
from dramaturg.protocols.testing._replay import Replayed, from_token, replay
from dramaturg.protocols.testing._single_actor_kernel import ActorKernel, Casting
from dramaturg.protocols.testing._single_actor_messages import Messages, Peers, pools
from dramaturg.protocols.testing._single_actor_partners import subject_of
from dramaturg.protocols.testing._single_actor_shrink import with_simple_messages

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from dramaturg.protocols import MemberNames, Protocol
    from dramaturg.protocols.testing._simulation import Simulation
    from dramaturg.protocols.testing._verdict import Verdict

__all__ = ["ActorUnderTest", "explore_actor", "replay_actor"]

ActorUnderTest: TypeAlias = "Callable[[Peers], Props[Any]] | Props[Any] | type[Actor]"
"""An actor class, its props, or a function that makes them from the refs of the others."""
Begin: TypeAlias = "Callable[[Simulation, ActorRef[Any], Peers], object]"

MANY = 2
"""So many members has a role with many, unless the test says how many."""


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
    schedules: int = 200,
    events: int = 1_000,
    seed: int = 0,
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
    :param schedules: so many conversations; ``events``: so many events in each.
    :param seed: the same seed tries the same conversations with the same messages.
    :raises ScenarioError: for an actor, messages or an option that cannot be.
    :raises UnknownRoleError: for a role that the protocol does not have.
    :raises NotReproducibleError: if the same schedule does not lead to the same run.
    :raises EscapeError: if the actor uses what is not controlled.
    """
    options = {"faults": faults, "allow": allow, "horizon": horizon}
    casting = _casting(
        actor,
        protocol,
        role,
        members=members,
        begin=begin,
        messages=messages,
        values=values,
        length=length,
        illegal=illegal,
        seed=seed,
        options=options,
    )
    limits = limits_of(schedules, events)
    verdict = investigate(lambda: ActorKernel(casting), seed=seed, limits=limits)
    return with_simple_messages(verdict, casting, messages or {}, seed=seed)


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
    """
    options = {"faults": faults, "allow": allow, "horizon": horizon}
    casting = _casting(
        actor,
        protocol,
        role,
        members=members,
        begin=begin,
        messages=messages,
        values=values,
        length=length,
        illegal=illegal,
        seed=seed,
        options=options,
    )
    schedule = from_token(token) if isinstance(token, str) else tuple(token)
    return replay(lambda: ActorKernel(casting), schedule)


def _casting(
    actor: ActorUnderTest,
    protocol: Protocol,
    role: Role | str,
    *,
    members: MemberNames | None,
    begin: Begin | None,
    messages: Messages | None,
    values: int,
    length: int,
    illegal: int,
    seed: int,
    options: dict[str, Any],
) -> Casting:
    for option, value, least in (
        ("values", values, 1),
        ("length", length, 1),
        ("illegal", illegal, 0),
    ):
        if value < least:
            raise ScenarioError(
                thing=f"{option}={value!r}", problem="too few", expected=f"at least {least}"
            )
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
        pools=pools(protocol, received, messages or {}, values=values, seed=seed),
        messages=length,
        illegal=illegal,
        options=options,
    )


def _maker(actor: ActorUnderTest) -> Callable[[Peers], Props[Any]]:
    if isinstance(actor, Props):
        props: Props[Any] = actor
        return lambda _: props
    if inspect.isclass(actor):
        made: Props[Any] = Props(actor)
        return lambda _: made
    if not callable(actor):
        raise ScenarioError(
            thing=repr(actor),
            problem="is no actor",
            expected="an actor class, Props, or a function from the other actors to Props",
        )
    make: Any = actor
    return cast("Callable[[Peers], Props[Any]]", make)
