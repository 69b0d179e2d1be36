"""Names for the cases of a parametrized test that are the same in every process."""

import re

ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+|(?<=unstarted):[0-9a-fA-F]+")


def stable(value: object) -> str:
    """Return the value's repr without the addresses in it."""
    return ADDRESS.sub("", repr(value))
