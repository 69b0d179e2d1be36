"""A CD shop whose departments and customers are actors: `python -m examples.storefront`.

The life of an order, every arrow a message::

    front desk ──> customers ──> customer ══> catalogue   what does it cost?
        ^                           │     ══> inventory   take the CDs off the shelf
        │                           │     ══> payment     take the money
        │                           │     ══> shipping    send the parcel
        │                           │     ══> ledger      book the sale
        └── completed, or failed ───┘

A double arrow is a request: the customer waits for the answer. A new order is given out when one
has come to its end, so that never more than a set number are in flight.

Departments keep their state to themselves and answer a command that they get a second time as they
did the first time. `plain` computes the same books without actors, and `reconcile` holds the one
against the other.
"""
