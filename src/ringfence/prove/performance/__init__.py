"""Can one deployment starve another: quotas and limits, priorities, shared nodes.

Pure, and about what is allowed, not about what runs at the moment: a cluster with room to spare proves nothing.
"""
