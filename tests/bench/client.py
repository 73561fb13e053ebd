"""The load: requests over kept-open connections, each sent when the answer to the one before it is whole.

Plain sockets and one epoll, because a client that costs more than the server it measures measures itself.
Not for anything but this: it knows HTTP/1.1 answers with a content-length, and no others.
"""

import itertools
import re
import select
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Rate:
    """What was answered in how long, and the share of the time in which the client itself was at work."""

    answers: int
    seconds: float
    client: float

    @property
    def each_second(self) -> float:
        return self.answers / self.seconds


@dataclass(slots=True)
class _Line:
    """One connection and what has come of the answer under way; `whole` is its length once that is known."""

    socket: socket.socket
    got: bytearray
    whole: int = 0


class AnswerWrong(Exception):
    """The server closed the connection, or answered with another status than was asked for."""


def request(method: str, path: str, body: bytes = b"") -> bytes:
    """An HTTP/1.1 request as it goes over the wire."""
    head = f"{method} {path} HTTP/1.1\r\nhost: localhost\r\naccept: application/fhir+json\r\n"
    if body:
        head += f"content-type: application/fhir+json\r\ncontent-length: {len(body)}\r\n"
    return f"{head}\r\n".encode() + body


def fetch(port: int, asked: bytes) -> bytes:
    """The body of one answer."""
    with socket.create_connection(("127.0.0.1", port), _PATIENCE) as connection:
        line = _Line(connection, bytearray())
        connection.sendall(asked)
        while not _whole(line, connection.recv(1 << 20)):
            pass
    _check(line)
    return bytes(line.got).partition(b"\r\n\r\n")[2]


def drive(port: int, asked: Sequence[bytes], connections: int, seconds: float) -> Rate:
    """Ask in turn, again and again, over so many connections for so long. Raises AnswerWrong."""
    turn = itertools.cycle(asked)
    return _driven(port, turn, connections, time.perf_counter() + seconds)


def deliver(port: int, asked: Sequence[bytes], connections: int) -> Rate:
    """Ask each once. Raises AnswerWrong."""
    return _driven(port, iter(asked), connections, float("inf"))


def _driven(port: int, turn: Iterator[bytes], connections: int, until: float) -> Rate:
    lines = [_Line(socket.create_connection(("127.0.0.1", port), _PATIENCE), bytearray()) for _ in range(connections)]
    by_number = {line.socket.fileno(): line for line in lines}
    poll = select.epoll()
    answers, busy, start = 0, time.process_time(), time.perf_counter()
    waiting = sum(_sent(line, turn, poll) for line in lines)
    while waiting:
        ready = poll.poll(_PATIENCE)
        if not ready:
            raise AnswerWrong("no answer came")
        for number, _ in ready:
            line = by_number[number]
            if not _whole(line, line.socket.recv(1 << 20)):
                continue
            _check(line)
            answers += 1
            del line.got[:]
            line.whole = 0
            going = time.perf_counter() < until and (following := next(turn, None)) is not None
            if going:
                line.socket.sendall(following)
            else:
                waiting -= 1
                poll.unregister(number)
    took = time.perf_counter() - start
    busy = time.process_time() - busy
    poll.close()
    for line in lines:
        line.socket.close()
    return Rate(answers, took, busy / took)


def _sent(line: _Line, turn: Iterator[bytes], poll: select.epoll) -> bool:
    """Whether there was a first request for this connection."""
    first = next(turn, None)
    if first is None:
        return False
    line.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    poll.register(line.socket.fileno(), select.EPOLLIN)
    line.socket.sendall(first)
    return True


def _whole(line: _Line, piece: bytes) -> bool:
    """Take in a piece; whether the answer is whole now."""
    if not piece:
        raise AnswerWrong("the connection was closed")
    line.got += piece
    if not line.whole:
        end = line.got.find(b"\r\n\r\n")
        if end < 0:
            return False
        found = _LENGTH.search(line.got, 0, end)
        line.whole = end + 4 + (int(found[1]) if found else 0)
    return len(line.got) >= line.whole


def _check(line: _Line) -> None:
    if line.got[9:11] != b"20":
        raise AnswerWrong(line.got[:2000].decode(errors="replace"))
