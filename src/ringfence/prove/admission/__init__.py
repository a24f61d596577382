"""Admission: what the API server would refuse to store, whoever asks."""
