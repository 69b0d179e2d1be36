"""Runnable examples, each `python -m examples.<name>`.

=======================  ====================================================
hello                    the first program
request_reply            what a request can end in
threads                  a program without asyncio
blocking                 code that blocks, and actors written for pykka
timers                   after a while, again and again, or when all is quiet
stash_and_become         put messages aside; change behaviour
routers                  one ref in front of many actors
watch                    being told of another actor's end
dead_letters             what becomes of a message that nobody handled
one_for_one              a supervisor restarts the child that failed
one_for_all              ... all of its children
rest_for_one             ... the child that failed and those after it
pool                     ... children that are made on demand
backoff                  ... after a pause, longer each time
escalation               ... until it gives up, and its own supervisor sees to it
degradation              something simpler serves while restarts do not help
health                   how every actor fares
two_phase_commit         every state of a model, then the actors: votes and crashes
alternating_bit          ... items over a line that loses and doubles
lease_with_fencing       runs of actors: who was overtaken does no harm
storefront_conversation  ... reserve, charge, ship, or give back
storefront               all together: a shop, its customers and its books
=======================  ====================================================
"""
