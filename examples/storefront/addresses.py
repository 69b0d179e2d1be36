"""Where everybody is in the tree: what one actor has to know to find another.

The spec of a tree is made before any of its actors, so that no ref can be in it. Actors look each
other up when they start; `tree` starts whoever is looked up before whoever looks. A ref that was
found stays good: restarts, of the actor or of the supervisors above it, do not change it.
"""

from typing import Any, Final

from dramaturg.actors import ActorRef, ActorSystem

SHOP: Final = "/shop"
RECORDS: Final = f"{SHOP}/records"
BACK_OFFICE: Final = f"{SHOP}/back-office"
PRICING: Final = f"{SHOP}/pricing"
TILL: Final = f"{SHOP}/till"
CUSTOMERS: Final = f"{SHOP}/customers"

CATALOGUE: Final = f"{PRICING}/catalogue"
INVENTORY: Final = f"{BACK_OFFICE}/inventory"
SHIPPING: Final = f"{BACK_OFFICE}/shipping"
LEDGER: Final = f"{BACK_OFFICE}/ledger"
PAYMENT: Final = f"{TILL}/payment"
DOOR: Final = f"{SHOP}/door"
FRONT_DESK: Final = f"{SHOP}/front-desk"
DISPLAY: Final = f"{SHOP}/display"
GREMLIN: Final = f"{SHOP}/gremlin"

DEPARTMENTS: Final = (CATALOGUE, INVENTORY, PAYMENT, SHIPPING, LEDGER)


def keeper_of(department: str) -> str:
    """Say where the keeper of a department's record is."""
    return f"{RECORDS}/{department.rpartition('/')[2]}"


def find(system: ActorSystem, address: str) -> ActorRef[Any]:
    """Find an actor.

    :raises LookupError: nobody is there; whoever asks while it starts fails to start.
    """
    ref = system.lookup(address)
    if ref is None:
        raise LookupError(f"nobody is at {address}")
    return ref
