"""Snapshots: the objects of clusters, from files and from live APIs, with secret values hashed as they are read."""
