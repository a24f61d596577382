"""Releases on the ladder: pure state machines (State -> event -> State) and the gates between stages.

Nothing here reads a clock, a file, a repository or a cluster: ``flows`` does that and hands in what it saw. A workflow
engine was rejected: what must never happen (a held release that moves, a release in production that skipped a gate) is
then spread over its tasks, while here it is one function that refuses.
"""
