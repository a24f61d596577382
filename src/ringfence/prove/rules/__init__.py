"""The rules: each a small named function that says what follows from one capability, with its source and versions."""
