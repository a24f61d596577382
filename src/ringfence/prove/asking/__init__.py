"""What the proof would have an API server answer in a dry run, and what is made of the answers."""
