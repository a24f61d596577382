"""Where pods can run: the scheduler's and the kubelet's rules, and whether any pod that somebody may create fits them.

Resources, pod affinity, spread, scheduling gates and scheduler names are left out on purpose: they change from minute
to minute and a proof must not rest on a node being full.
"""
