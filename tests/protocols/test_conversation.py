"""The monitor of one conversation: what the network may do is told from what a party may not."""

from typing import Any, Literal

import pytest

from dramaturg.protocols import (
    Action,
    Channels,
    Conversation,
    Observation,
    Order,
    Outcome,
    Party,
    Protocol,
    Role,
    Violation,
    ViolationKind,
    repeat,
    request_with_retry,
    sequence,
    within,
)
from tests.protocols.monitor_kit import TWO_PHASE_COMMIT, Abort, Commit, Prepare, Vote

A, B, C = Role("a"), Role("b"), Role("c")
PARTIES = {name: Party(name) for name in ("a", "b", "c", "client", "server")}

Seen = str | Violation


def talk(order: Order, **options: Any) -> Conversation:
    roles = tuple(role for role in (A, B, C) if str(role) in str(order).replace("@", " ").split())
    return Conversation(Protocol("p", roles=roles, order=order, **options))


def see(conversation: Conversation, text: str, *, time: float = 0.0) -> str:
    """See "a!b Prepare" (a sends) or "a?b Prepare" (a receives); say what comes of it."""
    who, message = text.split()
    side: Literal["sent", "received"] = "sent" if "!" in who else "received"
    one, other = (PARTIES[name] for name in who.replace("!", "?").split("?"))
    sender, receiver = (one, other) if side == "sent" else (other, one)
    types: dict[str, type] = {t.__name__: t for t in (Prepare, Vote, Commit, Abort)}
    found = conversation.observe(Observation(side, sender, receiver, types[message], time=time))
    return found.value if isinstance(found, Outcome) else found.kind.value


def due(conversation: Conversation) -> float | None:
    return conversation.next_deadline


def all_of(conversation: Conversation, *texts: str) -> list[str]:
    return [see(conversation, text) for text in texts]


ROUND_TRIP = sequence(A >> B @ Prepare, B >> A @ Vote)


def test_each_side_is_followed_by_itself() -> None:
    conversation = talk(ROUND_TRIP)
    assert (
        all_of(conversation, "a!b Prepare", "b?a Prepare", "b!a Vote", "a?b Vote")
        == ["expected"] * 4
    )
    assert conversation.is_over
    assert conversation.finish() == []


def test_a_violation_says_what_would_have_been_legal_and_changes_nothing() -> None:
    conversation = talk(ROUND_TRIP)
    found = conversation.observe(Observation("sent", PARTIES["b"], PARTIES["a"], Vote, time=3.0))
    assert found == Violation(
        "p",
        PARTIES["b"],
        ViolationKind.UNEXPECTED,
        Action("!", PARTIES["a"], Vote),
        (Action("?", PARTIES["a"], Prepare),),
        3.0,
    )
    assert str(found) == "p: b: unexpected !to a Vote; expected ?from a Prepare"
    assert isinstance(found, Violation)
    assert (found.role, found.member, found.message) == ("b", None, Vote)
    assert all_of(conversation, "b?a Prepare", "b!a Vote") == ["expected"] * 2


def test_the_senders_side_blames_the_sender() -> None:
    """A doubled message that was sent once is the network's doing."""
    conversation = talk(ROUND_TRIP)
    assert all_of(conversation, "a!b Prepare", "b?a Prepare", "b?a Prepare") == [
        "expected",
        "expected",
        "unexpected",
    ]
    assert see(conversation, "b!a Vote") == "expected"
    assert see(conversation, "b?a Prepare") == "after the end"


def test_a_stranger_is_no_party() -> None:
    conversation = Conversation(TWO_PHASE_COMMIT, members={"participant": 1})
    stranger, hub = Party("participant", "9"), Party("coordinator")
    for seen in (
        Observation("sent", stranger, hub, Vote),
        Observation("sent", hub, stranger, Prepare),
    ):
        assert isinstance(conversation.observe(seen), Violation)


def test_only_the_chosen_sides_are_followed() -> None:
    protocol = Protocol("p", roles=(A, B), order=ROUND_TRIP)
    conversation = Conversation(protocol, roles=["a"])
    assert see(conversation, "b!a Vote") == "expected"
    assert see(conversation, "a?b Vote") == "unexpected"
    assert [each.role for each in conversation.finish()] == ["a"]


# -- what the network may do -----------------------------------------------------------------------


def test_who_is_not_done_is_unfinished() -> None:
    conversation = talk(ROUND_TRIP)
    see(conversation, "a!b Prepare")
    found = conversation.finish(9.0)
    assert {(each.role, each.kind, each.time) for each in found} == {
        ("a", ViolationKind.UNFINISHED, 9.0),
        ("b", ViolationKind.UNFINISHED, 9.0),
    }
    assert "not done; expected ?from a Prepare" in str(found[1])


def test_what_may_be_lost_is_not_missed() -> None:
    conversation = talk(ROUND_TRIP, channels=Channels(may_lose=True))
    see(conversation, "a!b Prepare")
    assert conversation.finish() == []


def test_who_owes_a_message_is_unfinished_whatever_is_lost() -> None:
    conversation = talk(ROUND_TRIP, channels=Channels(may_lose=True))
    all_of(conversation, "a!b Prepare", "b?a Prepare")
    assert [each.role for each in conversation.finish()] == ["a", "b"]


def test_what_comes_after_a_loss_is_legal() -> None:
    order = sequence(A >> B @ Prepare, A >> B @ Commit)
    lossy = talk(order, channels=Channels(may_lose=True))
    assert all_of(lossy, "a!b Prepare", "a!b Commit", "b?a Commit")[-1] == "after loss"
    assert see(talk(order), "b?a Commit") == "unexpected"


def test_who_has_not_been_asked_may_not_answer_even_if_the_question_may_be_lost() -> None:
    conversation = talk(ROUND_TRIP, channels=Channels(may_lose=True))
    assert all_of(conversation, "a!b Prepare", "b!a Vote") == ["expected", "unexpected"]


def test_what_may_be_doubled_may_come_twice_but_not_be_sent_twice() -> None:
    conversation = talk(ROUND_TRIP, channels=Channels(may_duplicate=True))
    assert all_of(
        conversation, "a!b Prepare", "b?a Prepare", "b?a Prepare", "b!a Vote", "b?a Prepare",
    ) == ["expected", "expected", "duplicate", "expected", "duplicate"]  # fmt: skip
    assert see(conversation, "a!b Prepare") == "unexpected"
    assert see(talk(ROUND_TRIP, channels=Channels(may_duplicate=True)), "a?b Vote") == "unexpected"


def test_an_unordered_channel_may_turn_messages_around_but_not_their_sender() -> None:
    order = sequence(A >> B @ Prepare, A >> B @ Commit)
    conversation = talk(order, channels=Channels(fifo=False))
    assert all_of(conversation, "a!b Prepare", "a!b Commit", "b?a Commit", "b?a Prepare") == [
        "expected",
        "expected",
        "early",
        "expected",
    ]
    assert conversation.is_over
    assert see(talk(order, channels=Channels(fifo=False)), "a!b Commit") == "unexpected"


def test_messages_of_different_senders_overtake_each_other_on_any_channel() -> None:
    conversation = talk(sequence(A >> C @ Prepare, B >> C @ Commit))
    assert all_of(conversation, "b!c Commit", "c?b Commit", "a!c Prepare", "c?a Prepare") == [
        "expected",
        "early",
        "expected",
        "expected",
    ]


def test_an_answer_does_not_overtake_its_question() -> None:
    conversation = talk(ROUND_TRIP, channels=Channels(fifo=False))
    assert see(conversation, "a?b Vote") == "unexpected"


# -- deadlines -------------------------------------------------------------------------------


def test_a_deadline_runs_from_the_first_message_by_each_ones_clock() -> None:
    conversation = talk(within(5.0, ROUND_TRIP))
    assert due(conversation) is None
    see(conversation, "a!b Prepare", time=10.0)
    assert due(conversation) == 15.0
    see(conversation, "b?a Prepare", time=12.0)
    assert conversation.elapse(14.9) == []
    [late] = conversation.elapse(15.0)
    assert (late.role, late.kind, late.time) == ("a", ViolationKind.DEADLINE, 15.0)
    assert str(late) == "p: a: late; expected ?from b Vote"
    assert due(conversation) == 17.0
    see(conversation, "b!a Vote", time=16.0)
    assert see(conversation, "a?b Vote", time=16.5) == "expected"
    assert conversation.elapse(100.0) == []
    assert conversation.is_over


def test_what_comes_instead_is_legal_only_after_the_deadline() -> None:
    order = within(5.0, ROUND_TRIP, otherwise=A >> B @ Abort, clock=A)
    conversation = talk(order)
    see(conversation, "a!b Prepare")
    assert see(conversation, "a!b Abort") == "unexpected"
    assert conversation.elapse(5.0) == []
    assert see(conversation, "a!b Abort") == "expected"


def test_messages_of_a_part_that_ran_out_of_time_are_late() -> None:
    conversation = talk(within(5.0, ROUND_TRIP, otherwise=A >> B @ Abort, clock=A))
    see(conversation, "a!b Prepare")
    conversation.elapse(5.0)
    assert all_of(
        conversation, "a!b Abort", "b?a Prepare", "b?a Abort", "b!a Vote", "a?b Vote", "a?b Vote"
    ) == ["expected", "expected", "expected", "late", "late", "after the end"]


def test_who_keeps_a_deadline_may_not_send_after_it() -> None:
    order = within(5.0, sequence(A >> B @ Prepare, A >> B @ Commit), otherwise=A >> B @ Abort)
    conversation = talk(order)
    see(conversation, "a!b Prepare")
    assert conversation.elapse(5.0) == []
    found = conversation.observe(Observation("sent", PARTIES["a"], PARTIES["b"], Commit, time=6.0))
    assert str(found) == "p: a: unexpected !to b Commit; expected !to b Abort"
    assert see(conversation, "a!b Abort") == "expected"
    assert see(conversation, "a!b Commit") == "after the end"


def test_an_answer_to_what_came_late_is_sent_too_late() -> None:
    order = within(5.0, sequence(A >> B @ Prepare, ROUND_TRIP), otherwise=B >> A @ Abort)
    conversation = talk(order)
    all_of(conversation, "a!b Prepare", "a!b Prepare", "b?a Prepare")
    conversation.elapse(5.0)
    assert all_of(conversation, "b!a Abort", "b?a Prepare", "b!a Vote") == [
        "expected",
        "late",
        "after the end",
    ]


def test_an_alternative_may_come_for_whom_the_part_is_over() -> None:
    conversation = talk(within(5.0, ROUND_TRIP, otherwise=A >> B @ Abort, clock=A))
    all_of(conversation, "a!b Prepare", "b?a Prepare", "b!a Vote")
    conversation.elapse(5.0)
    assert all_of(conversation, "a!b Abort", "b?a Abort", "a?b Vote") == [
        "expected",
        "expected",
        "late",
    ]


def test_each_round_has_a_deadline_of_its_own() -> None:
    order = repeat(within(5.0, ROUND_TRIP)).then(A >> B @ Commit)
    conversation = talk(order)
    for start in (0.0, 100.0):
        see(conversation, "a!b Prepare", time=start)
        assert due(conversation) == start + 5.0
        for text in ("b?a Prepare", "b!a Vote", "a?b Vote"):
            assert see(conversation, text, time=start + 1) == "expected"
        assert due(conversation) is None


@pytest.mark.parametrize("retries", [0, 1, 2, 3])
def test_a_retry_may_be_answered_as_often_as_it_was_sent(retries: int) -> None:
    protocol = request_with_retry(Prepare, Vote, seconds=1.0, attempts=4)
    conversation = Conversation(protocol)
    for attempt in range(retries + 1):
        conversation.elapse(float(attempt))
        see(conversation, "client!server Prepare", time=float(attempt))
    found = all_of(conversation, *["server?client Prepare", "server!client Vote"] * (retries + 1))
    assert set(found) <= {"expected", "late"}
    answers = all_of(conversation, *["client?server Vote"] * (retries + 2))
    assert answers == ["expected"] + ["late"] * retries + ["after the end"]
    assert conversation.finish() == []
