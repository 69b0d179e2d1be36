"""The CD shop on a journal, to be killed at any moment: `python -m examples.durable_storefront`.

Every purchase is an instance of a workflow, and every arrow a message::

    purchase    validate ──> customer ┐
                             history  ├──> assess ──> above a limit: wait for the office ──> fulfil
                             price    ┘
    fulfilment  reserve ──> charge ──> ship              a saga, undone backwards:
                release <── refund <── cancel

The departments are event-sourced, and do a thing once for each idempotency key. They publish what
they have done to a durable topic, whose subscribers go on where they have stopped: state machines
of orders and customers, and the daily figures on a blackboard. The office finds on the blackboard,
too, what waits for it.

`worker` is the process that does all this on one SQLite file; `__main__` starts it, kills it three
times with SIGKILL on the way, and starts it again. `books` computes from the file of purchases
alone what must come out, and `audit` holds what the actors say against it.

Terms of trade, parsing and data are those of `examples.storefront`, the shop without a journal.
"""
