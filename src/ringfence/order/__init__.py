"""Orders for Environments as a state machine: State and event into State, and what was delivered against ordered."""
