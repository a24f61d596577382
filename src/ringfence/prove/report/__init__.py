"""Proofs as text: rows for a table, SARIF, JUnit, and the whole argument for one dimension of one pair."""
