"""The proof: facts of a Snapshot, rules that turn capabilities into capabilities, their closure, and verdicts.

Pure: no files, sockets, processes or clusters. Reading is ``observe``'s work.
"""
