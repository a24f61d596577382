"""The ledger of everything decided, proved, promoted, ordered and refused: chained, signed, checked and exported."""
