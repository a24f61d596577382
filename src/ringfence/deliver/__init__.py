"""From Manifests to what clusters run: Git, change sets, server-side apply, pruning, Argo CD and its credentials."""
