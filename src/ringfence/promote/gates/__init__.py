"""Gates between stages: a small registry of things that must be true before a release goes on."""
