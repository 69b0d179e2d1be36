"""A pipeline that takes facts out of a text, each step with something to fall back on.

Run it with `python -m examples.extraction_pipeline`.
"""

import asyncio
import re

from dramaturg.actors import ActorSystem, MemoryJournal, Message
from dramaturg.protocols.workflows import Call, StepError, Workflow, recover, sequence, step

MAILS = {
    "mail-1": "Please send 3 boxes of tea to Ada. Due: 2026-12-01",
    "mail-2": "Dear Sirs, my last order was cold. Send it again to Grace",
    "mail-3": "",
}


class Facts(Message):
    """What is known so far."""

    text: str
    count: int = 0
    due: str = ""


async def clean(text: str) -> Facts:
    """Refuse what is no text; the pipeline then ends with what it recovers with."""
    if not text.strip():
        raise ValueError("an empty mail")
    return Facts(text=" ".join(text.split()))


async def count(facts: Facts) -> Facts:
    """Find how many are wanted."""
    match = re.search(r"(\d+) box", facts.text)
    if match is None:
        raise LookupError("no number")
    return facts.model_copy(update={"count": int(match[1])})


async def one_box(error: StepError, call: Call) -> Facts:
    """Take it for one box, and go on with what the step before has given."""
    print(f"{call.instance}: {error.text}: one box, then")
    known: Facts = call.result("clean")
    return known.model_copy(update={"count": 1})


async def due(facts: Facts) -> Facts:
    """Find by when."""
    return facts.model_copy(update={"due": facts.text.partition("Due: ")[2]})


steps = sequence(
    step("clean", clean),
    step("count", count, on_error=one_box),
    step("due", due, when=lambda facts: "Due:" in facts.text),
    on_error=recover(Facts(text="")),
)
extraction = Workflow("extraction", steps, takes=str)


async def main() -> None:
    """Run one instance for each mail."""
    async with ActorSystem("mailroom", journal=MemoryJournal()) as system:
        for mail, text in MAILS.items():
            facts = await extraction.run(system, text, id=mail)
            print(f"{mail}: {facts.count}, due {facts.due or 'any day'}")


if __name__ == "__main__":
    asyncio.run(main())
