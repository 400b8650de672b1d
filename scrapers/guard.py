"""May we connect there? Only public addresses, only web ports, and never past the deadline.

The check sits where the socket is opened, so redirects, odd number forms and a name that changes
its address between two look-ups all meet it: the address that was checked is the one connected to.
"""

from __future__ import annotations

import ipaddress
import queue
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import httpcore2

from scrapers.errors import SourceError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], list[str]]

# Refused although Python 3.11 calls some of them global.
_ALSO_REFUSED = tuple(
    ipaddress.ip_network(net)
    for net in (
        "192.0.0.0/24",  # protocol assignments; a cloud's metadata service lives here
        "192.88.99.0/24",  # 6to4 relays
        "168.63.129.16/32",  # a cloud's metadata service on a public number
        "64:ff9b:1::/48",  # local NAT64
        "100::/64",  # discard
        "2001::/23",  # protocol assignments, Teredo included
        "2001:db8::/32",
        "3fff::/20",  # documentation
        "5f00::/16",  # segment routing
        "fec0::/10",  # old site-local
    )
)
_WRAPPERS = (
    # (prefix of an IPv6 address that carries an IPv4 one, how far right the IPv4 part sits)
    (ipaddress.ip_network("::ffff:0:0/96"), 0),  # mapped
    (ipaddress.ip_network("::ffff:0:0:0/96"), 0),  # translated
    (ipaddress.ip_network("::/96"), 0),  # compatible
    (ipaddress.ip_network("64:ff9b::/96"), 0),  # NAT64
    (ipaddress.ip_network("2002::/16"), 80),  # 6to4
)
_BLANK_LINE = re.compile(rb"\n\r?\n")
_INTERIM = re.compile(rb"\s*HTTP/\d\.\d 1")
_WRITTEN = 4096
_ISATAP = {0x00005EFE, 0x02005EFE}


def unwrap(address: Address) -> Address:
    """The IPv4 address that an IPv6 one carries, or the address itself.

    >>> str(unwrap(ipaddress.ip_address("64:ff9b::7f00:1")))
    '127.0.0.1'
    """
    if isinstance(address, ipaddress.IPv4Address):
        return address
    number = int(address)
    for network, shift in _WRAPPERS:
        if address in network:
            return ipaddress.IPv4Address((number >> shift) & 0xFFFFFFFF)
    if (number >> 32) & 0xFFFFFFFF in _ISATAP:
        return ipaddress.IPv4Address(number & 0xFFFFFFFF)
    return address


def is_public(address: Address) -> bool:
    """True when the address, and the one it may wrap, is an ordinary public unicast address."""
    inner = unwrap(address)
    if any(a.version == n.version and a in n for a in (address, inner) for n in _ALSO_REFUSED):
        return False
    return inner.is_global and not inner.is_multicast and not inner.is_reserved


def resolve(host: str, port: int) -> list[str]:
    """All addresses of a host by the system's resolver, IPv4 first. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(item[4][0]) for item in found))
    return sorted(addresses, key=lambda text: ":" in text)


class Deadline:
    """One budget of seconds for a whole fetch: look-up, handshake, headers and body together."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.waited_s = 0.0
        self._end = time.monotonic() + seconds

    def remaining(self) -> float:
        return self._end - time.monotonic()

    def wait(self, seconds: float, sleep: Callable[[float], None]) -> None:
        """Sleeps, and does not count it: waiting for our turn is not the
        other side's fault. `waited_s` says how long it was in all."""
        if seconds <= 0:
            return
        begun = time.monotonic()
        sleep(seconds)
        self.waited_s += seconds
        self._end += time.monotonic() - begun

    def cut(self, timeout: float | None) -> float:
        """A timeout that does not pass the end. Raises ReadTimeout when the end has passed."""
        left = self.remaining()
        if left <= 0:
            raise httpcore2.ReadTimeout(f"not finished within {self.seconds:g} s")
        return left if timeout is None else min(timeout, left)


class TimedStream(httpcore2.NetworkStream):
    """A stream whose every wait ends at the deadline, so a slow drip cannot hold us, and that takes
    no more than `most` bytes, so neither endless headers nor one-byte chunks can keep us busy."""

    def __init__(
        self, stream: httpcore2.NetworkStream, deadline: Deadline, most: int = 2**62
    ) -> None:
        self._stream = stream
        self._deadline = deadline
        self._most = most
        self._received = 0
        self._head = bytearray()  # until the last header line was seen
        self._head_ends = 0
        self._head_over = False
        self._looked = 0

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = self._stream.read(max_bytes, self._deadline.cut(timeout))
        self._received += len(data)
        if self._received > self._most:
            raise SourceError(
                f"the answer takes more than {self._most:,} bytes on the wire; ask for less, or "
                "raise max_bytes in source.toml",
                permanent=True,
            )
        if not self._head_over:
            self._head += data
            self._find_head()
        return data

    def _find_head(self) -> None:
        """Where the headers of the final answer end; interim ones (1xx) go before."""
        while found := _BLANK_LINE.search(self._head, self._looked):
            interim = _INTERIM.match(self._head) is not None
            self._head_ends += found.end()
            del self._head[: found.end()]
            self._looked = 0
            if not interim:
                self._head_over = True
                self._head.clear()
                return
        self._looked = max(len(self._head) - 2, 0)

    def body_bytes(self) -> int:
        """Bytes received after the headers, those that belong to no answer included."""
        return self._received - self._head_ends if self._head_over else 0

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # in pieces, since each wait of a long write would have the whole time anew
        for at in range(0, len(buffer), _WRITTEN):
            self._stream.write(buffer[at : at + _WRITTEN], self._deadline.cut(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        cut = self._deadline.cut(timeout)
        return TimedStream(
            self._stream.start_tls(ssl_context, server_hostname, cut), self._deadline, self._most
        )

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class GuardedBackend(httpcore2.NetworkBackend):
    """Opens a socket only after every address of the host passed `is_public`."""

    def __init__(
        self,
        deadline: Deadline,
        resolver: Resolver = resolve,
        allow_loopback: bool = False,
        most: int = 2**62,
    ) -> None:
        self._deadline = deadline
        self._resolver = resolver
        self._allow_loopback = allow_loopback
        self._most = most
        self._plain = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        addresses = self.checked(host, port)
        error: Exception | None = None
        for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
            share = self._deadline.cut(timeout) / left  # a dead address leaves time for the others
            try:
                stream = self._plain.connect_tcp(
                    str(address), port, share, local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as failed:
                error = failed
            else:
                return TimedStream(stream, self._deadline, self._most)
        raise httpcore2.ConnectError(f"no address of {host} answered: {error}")

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        raise SourceError("unix sockets are refused; give an http or https URL", permanent=True)

    def checked(self, host: str, port: int) -> list[Address]:
        """The host's addresses, all of them allowed. Raises SourceError otherwise."""
        addresses = self._addresses(host, port)
        for address in addresses:
            loopback = self._allow_loopback and address.is_loopback
            if not loopback and not is_public(address):
                raise SourceError(
                    f"{host} is {address}, which is not a public address; refused. "
                    "Check the url in source.toml, and the redirect it answers with",
                    permanent=True,
                )
            if not loopback and port not in (80, 443):
                raise SourceError(
                    f"port {port} is refused; only 80 and 443 are used", permanent=True
                )
        return addresses

    def _addresses(self, host: str, port: int) -> list[Address]:
        numeric = literal(host)
        if numeric is not None:
            return [numeric]
        texts = _within(self._deadline, lambda: self._resolver(host, port), host)
        if not texts:
            raise httpcore2.ConnectError(f"{host} has no address")
        return [ipaddress.ip_address(text.split("%")[0]) for text in texts]


def literal(host: str) -> Address | None:
    """The address that a numeric host means, decimal, hex, octal and short forms included."""
    bare = host.strip("[]").split("%")[0]
    try:
        return ipaddress.ip_address(bare)
    except ValueError:
        pass
    try:
        # inet_aton knows 2130706433, 0x7f.1 and 0177.0.0.1, as most resolvers do
        return ipaddress.IPv4Address(socket.inet_aton(bare.rstrip(".")))
    except (OSError, ValueError, UnicodeError):
        return None


def _within(deadline: Deadline, look_up: Callable[[], list[str]], host: str) -> list[str]:
    """The look-up's answer; getaddrinfo itself knows no timeout, so it runs in a side thread."""
    answer: queue.Queue[list[str] | Exception] = queue.Queue(1)

    def work() -> None:
        try:
            answer.put(look_up())
        except (OSError, ValueError) as error:  # UnicodeError is a ValueError
            answer.put(error)

    threading.Thread(target=work, daemon=True, name="ews-resolve").start()
    try:
        got = answer.get(timeout=deadline.cut(None))
    except queue.Empty:
        raise httpcore2.ConnectTimeout(f"no address for {host} in time") from None
    if isinstance(got, Exception):
        raise httpcore2.ConnectError(f"{host} cannot be resolved: {got}")
    return got
