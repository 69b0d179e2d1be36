"""A CD shop whose departments and customers are actors: `python -m examples.storefront`.

The life of an order, every arrow a message::

    front desk ──>    door   ──> customer ══> catalogue   what does it cost?
        ^                           │     ══> inventory   take the CDs off the shelf
        │                           │     ══> payment     take the money
        │                           │     ══> shipping    send the parcel
        │                           │     ══> ledger      book the sale
        └── completed, or failed ───┘

A double arrow is a request: the customer waits for the answer. A new order is given out when one
has come to its end, so that never more than a set number are in flight.

`tree` says who is restarted with whom; `records` how what was done outlives a crash; `caretaker`
what becomes of the messages that crashes took. Departments answer a command that they get a second
time as they did the first time, so that whatever was lost may simply be sent again. `faults` are
injected meanwhile, `--chaos 0.01 --seed 7` lets anybody fail at random instead, and `chronicle`
tells of it.

`plain` computes the same books without actors, and `reconcile` holds the one against the other.
"""
