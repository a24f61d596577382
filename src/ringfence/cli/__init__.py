"""The command line: one file a verb; each parses, calls a flow and prints a value. No logic lives here."""
