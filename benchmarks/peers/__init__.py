"""What is compared: one module per library, each with the contenders that it offers.

A peer module exposes `CONTENDERS`, a mapping of contender name to its suite: workload name to a
function of `n` that returns a `Sample`. It is imported in child processes only, so a peer that is
not installed costs its own figures and no others.
"""
