"""Dramaturg beside its peers: the same workloads, in one run, in CPU seconds."""
