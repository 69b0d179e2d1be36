"""What the world and the next instance are told of the end of an incarnation."""

from dramaturg.actors import ActorEnded, ActorRestarted, ActorStarted
from tests.actors.kit import Crash, Do, Fail, within
from tests.supervision.fault_world import world
from tests.supervision.faults import Kind, Script, birth, child, each_kind, with_plain
from tests.supervision.incarnations_kit import crash


@with_plain
async def test_each_incarnation_is_told_of_by_one_start_and_one_end(kind: Kind) -> None:
    async with world() as it:
        sup = await it.supervise(child(kind, Script()))
        ref = it.ref()
        for _ in range(3):
            await crash(ref)
        await within(sup.stop(block=False))

        assert [event.incarnation for event in it.events.of(ActorStarted, "/sup/it")] == [
            1,
            2,
            3,
            4,
        ]
        assert it.ends() == ["failed", "failed", "failed", "shutdown"]
        assert [event.incarnation for event in it.events.of(ActorRestarted, "/sup/it")] == [2, 3, 4]
        assert [event.restarts for event in it.events.of(ActorRestarted, "/sup/it")] == [1, 2, 3]
        assert len(it.events.of(ActorEnded, "/sup/it")) == 1


@each_kind
async def test_the_cause_of_a_restart_is_shown_to_the_new_instance(kind: Kind) -> None:
    script = Script()
    errors = [Crash("first"), Crash("second")]
    async with world() as it:
        await it.supervise(child(kind, script))
        for error in errors:
            it.ref().tell(Fail(error))
        await it.incarnations(2)
        assert await within(it.ref().request(Do(birth))) == 3

        assert script.causes == errors
        assert script.hooks(1) == ["__init__", "on_start", "on_failure"]
        assert script.hooks(2) == ["__init__", "on_restart", "on_start", "on_failure"]
