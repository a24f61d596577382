"""Verdicts: what the closure, the network and the comparisons come to, dimension by dimension."""
