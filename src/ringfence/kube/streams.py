"""The sockets of watches that are open, so that a connection that is closed ends its watches at once.

Closing a socket does not wake a thread that reads it; shutting it down does. Without this each watch held its thread
and its connection for minutes after it was needed.
"""

import socket
import threading
from contextlib import suppress


class Streams:
    """What is open. ``ended``: nothing is to be opened any more. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self.ended = False

    def add(self, one: object) -> socket.socket | None:
        """Remember the socket of a watch (anything else is left alone); one that comes too late is ended at once."""
        if not isinstance(one, socket.socket):
            return None
        with self._lock:
            self._open.add(one)
            if self.ended:
                _end(one)
        return one

    def drop(self, one: socket.socket | None) -> None:
        """Forget a socket that is about to be closed."""
        with self._lock:
            if one is not None:
                self._open.discard(one)

    def end(self) -> None:
        """End every one of them, and those to come."""
        with self._lock:
            self.ended = True
            for one in self._open:
                _end(one)


def _end(one: socket.socket) -> None:
    # The method of plain sockets: that of TLS sockets would take its state away from whoever reads.
    with suppress(OSError):
        socket.socket.shutdown(one, socket.SHUT_RDWR)
