"""Nothing disappears: what could not be handled is listed, and can be sent again.

Run it with `python -m examples.dead_letters`.
"""

import asyncio

from dramaturg.actors import Actor, ActorSystem, Message, Request, handler


class Note(Message):
    """Something to write down."""

    text: str


class Read(Request[tuple[str, ...]]):
    """Give back what was written down."""


class Notebook(Actor):
    """Writes down."""

    def __init__(self) -> None:
        self._notes: list[str] = []

    @handler
    def write(self, message: Note) -> None:
        """Write one note."""
        self._notes.append(message.text)

    @handler
    def read(self, message: Read) -> tuple[str, ...]:
        """Read them all."""
        return tuple(self._notes)


async def main() -> None:
    """Write into a notebook that is gone, then into its successor what was lost."""
    async with ActorSystem("dead-letters") as system:
        notebook = system.spawn(Notebook, name="notebook")
        await notebook.stop(block=False)
        notebook.tell(Note(text="buy bread"))
        notebook.tell(Note(text="call Ada"))
        for letter in system.dead_letters.list(target="/notebook"):
            print(f"{letter.target}: {letter.message!r} ({letter.reason.value})")

        successor = system.spawn(Notebook, name="notebook")
        print("sent again:", system.dead_letters.replay().sent)
        print("read:", await successor.request(Read()))
        print("left:", len(system.dead_letters))


if __name__ == "__main__":
    asyncio.run(main())
