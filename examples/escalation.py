"""Escalation: a tree gives up level by level, and says why.

Run it with `python -m examples.escalation`.
"""

import asyncio

from dramaturg.actors import Actor, ActorSystem, Props, handler
from dramaturg.supervision import (
    ChildSpec,
    RestartLimitExceeded,
    RestartLimitReached,
    Supervisor,
    SupervisorSpec,
    WhichChildren,
)


class Lamp(Actor):
    """Blows a fuse when it is switched on."""

    @handler
    def switch_on(self, message: str) -> None:
        """Fail."""
        raise RuntimeError("short circuit")


# Two restarts of the lamp are tried before the room gives up. The house then restarts the room,
# once, with a count that begins anew; then it gives up, too.
ROOM = SupervisorSpec([ChildSpec("lamp", Lamp)], intensity=2)
HOUSE = SupervisorSpec([ChildSpec("room", ROOM)], intensity=1)


async def main() -> None:
    """Switch the lamp on until the house is dark."""
    async with ActorSystem("escalation") as system:
        system.events.subscribe(
            lambda event: print(f"{event.path} gives up on {event.child}"), RestartLimitExceeded
        )
        house = system.spawn(Props(Supervisor, HOUSE), name="house")
        await house.started()
        [room] = [child.ref for child in await house.request(WhichChildren()) if child.ref]
        [lamp] = [child.ref for child in await room.request(WhichChildren()) if child.ref]
        for _ in range(6):
            lamp.tell("on")
        try:
            await system.wait()  # raises what reached the top of the tree
        except RestartLimitReached as error:
            cause: BaseException | None = error
            while cause is not None:
                print(f"{type(cause).__name__}: {cause}")
                cause = cause.__cause__


if __name__ == "__main__":
    asyncio.run(main())
