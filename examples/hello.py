"""The first program: define an actor, spawn it, tell it something, request an answer.

Run it with `python -m examples.hello`.
"""

import asyncio

from dramaturg.actors import Actor, ActorSystem, Message, Request, handler


class Greet(Message):
    """A message: frozen, checked when it is made, and nobody answers it."""

    name: str


class Count(Request[int]):
    """A message that promises a reply, here an int."""


class Greeter(Actor):
    """An actor: its state is its own, and it handles one message after the other."""

    def __init__(self) -> None:
        self._greeted = 0

    @handler
    def greet(self, message: Greet) -> None:
        """The type of the parameter says which messages come here."""
        self._greeted += 1
        print(f"Hello, {message.name}!")

    @handler
    def count(self, message: Count) -> int:
        """What a handler returns is the reply."""
        return self._greeted


async def main() -> None:
    """Run the system; leaving the block stops every actor."""
    async with ActorSystem("hello") as system:
        greeter = system.spawn(Greeter, name="greeter")
        greeter.tell(Greet(name="Ada"))
        greeter.tell(Greet(name="Grace"))
        # Messages from one sender to one receiver arrive in order, so both were greeted before.
        print("greeted:", await greeter.request(Count()))


if __name__ == "__main__":
    asyncio.run(main())
