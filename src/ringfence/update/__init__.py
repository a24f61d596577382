"""Platform updates as a state machine: bundles, waves, and when production may follow non-production."""
