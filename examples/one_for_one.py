"""One for one: the child that failed is restarted, and nobody else.

Run it with `python -m examples.one_for_one`.
"""

import asyncio

from dramaturg.actors import Actor, ActorStarted, ActorSystem, IncarnationEnded, Props, handler
from dramaturg.supervision import ChildSpec, Supervisor, SupervisorSpec, WhichChildren


class Machine(Actor):
    """One machine of a bakery."""

    @handler
    def work(self, on: str) -> str:
        """Work, or break: an exception fails the actor, and its supervisor decides."""
        if on == "a stone":
            raise ValueError("broken")
        return f"{self.context.name} works on {on}"


# For children that do not depend on each other. It is the default.
BAKERY = SupervisorSpec(
    [ChildSpec("mixer", Machine), ChildSpec("oven", Machine), ChildSpec("slicer", Machine)],
    strategy="one_for_one",
)


def show(event: ActorStarted | IncarnationEnded) -> None:
    """Print what starts and what ends, as it happens."""
    what = "starts" if isinstance(event, ActorStarted) else f"ends ({event.reason})"
    print(f"{event.path}, incarnation {event.incarnation}, {what}")


async def main() -> None:
    """Break the oven."""
    async with ActorSystem("one-for-one") as system:
        bakery = system.spawn(Props(Supervisor, BAKERY), name="bakery")
        await bakery.started()
        shown = system.events.subscribe(show, ActorStarted, IncarnationEnded)
        children = await bakery.request(WhichChildren())
        mixer, oven, slicer = [child.ref for child in children if child.ref]
        oven.tell("a stone")
        # The ref is good for the next incarnation, too, and the mailbox has stayed.
        for machine in (oven, mixer, slicer):
            print(await machine.request("bread"))
        shown.cancel()


if __name__ == "__main__":
    asyncio.run(main())
