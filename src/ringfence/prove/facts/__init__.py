"""Facts: what a snapshot says, indexed for the rules."""
