"""Use cases of platform updates: when one is due, plan it, run it, hand its records over, show where it stands."""
