"""A pool: like children, made on demand from one spec (simple_one_for_one).

Run it with `python -m examples.pool`.
"""

import asyncio

from dramaturg.actors import Actor, ActorStarted, ActorSystem, IncarnationEnded, Props, handler
from dramaturg.supervision import (
    ChildSpec,
    CountChildren,
    StartInstance,
    Supervisor,
    SupervisorSpec,
    TerminateChild,
    WhichChildren,
)


class Session(Actor):
    """What a guest has said."""

    def __init__(self, guest: str) -> None:
        self._reply = f"Welcome, {guest}"

    @handler
    def hear(self, said: str) -> str:
        """Answer; some words are too much."""
        if said == "boom":
            raise ValueError("that was too much")
        return self._reply


# What an instance is made from comes with the request for it. Transient: restarted if it fails.
SESSION = ChildSpec("session", Session, restart="transient")
SESSIONS = SupervisorSpec([SESSION], strategy="simple_one_for_one")


def show(event: ActorStarted | IncarnationEnded) -> None:
    """Print what starts and what ends, as it happens."""
    what = "starts" if isinstance(event, ActorStarted) else f"ends ({event.reason})"
    print(f"{event.path}, incarnation {event.incarnation}, {what}")


async def main() -> None:
    """Let two in; one fails and comes back, one is sent away."""
    async with ActorSystem("pool") as system:
        pool = system.spawn(Props(Supervisor, SESSIONS), name="pool")
        shown = system.events.subscribe(show, ActorStarted, IncarnationEnded)
        await pool.request(StartInstance("Ada"))
        await pool.request(StartInstance(guest="Grace", name="grace"))
        ada, grace = [child.ref for child in await pool.request(WhichChildren()) if child.ref]
        ada.tell("boom")
        print(await ada.request("hello"))
        await pool.request(TerminateChild(grace))
        print("active:", (await pool.request(CountChildren())).active)
        shown.cancel()


if __name__ == "__main__":
    asyncio.run(main())
