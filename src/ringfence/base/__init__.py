"""What every package may lean on: errors, time, quantities, paths, text. Imports nothing of Ringfence above it."""
