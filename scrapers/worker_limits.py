"""What can a parse worker not do? Memory, time, files, network and processes, taken away from itself.

Three locks, each on where the system has it: resource limits (POSIX), Landlock (Linux 5.13: which
files may be read, none written, no TCP) and a seccomp filter (no sockets, no new programs or
processes). What is not there is told, and the worker works without it.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import signal
import struct
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from scrapers.worker_calls import ARCHITECTURES, program

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

MIB = 1024 * 1024
FILES = 64
MOST_BYTES = 2048 * MIB  # above what an idle worker uses, whatever a job may ask for

_NO_NEW_PRIVS, _SECCOMP, _FILTER, _DUMPABLE = 38, 22, 2, 4
_LANDLOCK = (444, 445, 446)  # create_ruleset, add_rule, restrict_self: the same on every machine
_READ = (1 << 2) | (1 << 3)  # read a file, list a folder
# what a landlock of version 1 to 3 knows of files; later versions add network and scopes
_FILE_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1}


class AddressSpace:
    """How much this process has reserved. Opened before the lock, which shuts /proc too."""

    def __init__(self) -> None:
        try:
            self._file: int | None = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._file = None

    def bytes(self) -> int:
        """In use now; 0 where the system does not say."""
        if self._file is None:
            return 0
        return int(os.pread(self._file, 100, 0).split()[0]) * os.sysconf("SC_PAGE_SIZE")


def lock_down(readable: Iterable[str], used: int) -> list[str]:
    """Take away what parsing needs not; what could not be taken, in words. Once, after
    imports; `used`: bytes of address space at that time."""
    missing = _plain_limits(used)
    if not sys.platform.startswith("linux"):
        return [*missing, f"no Landlock and no seccomp on {sys.platform}"]
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_DUMPABLE, 0, 0, 0, 0)
    if libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return [*missing, "no_new_privs was refused, so neither Landlock nor seccomp"]
    locks: dict[str, Callable[[], None]] = {
        "Landlock": lambda: _landlock(libc, readable), "seccomp": lambda: _seccomp(libc)
    }  # fmt: skip
    for name, lock in locks.items():
        try:
            lock()
        except OSError as error:
            missing.append(f"no {name} ({error.strerror or error})")
    return missing


def _plain_limits(used: int) -> list[str]:
    if resource is None:
        return ["no resource limits on this system"]
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    wanted = {
        resource.RLIMIT_CORE: 0, resource.RLIMIT_FSIZE: 0, resource.RLIMIT_NOFILE: FILES,
    }  # fmt: skip
    for which, most in wanted.items():
        resource.setrlimit(which, (most, most))
    if not used:
        return ["no limit of memory: the system does not tell what is used"]
    resource.setrlimit(resource.RLIMIT_AS, (used + MOST_BYTES, used + MOST_BYTES))
    return []


def budget(base: int, more: int, seconds: float) -> None:
    """For the next job: at most `more` bytes above `base`, and an end after `seconds` even when
    nobody watches any more (SIGALRM, and the processor's time)."""
    if resource is None:
        return
    signal.alarm(int(seconds) + 5)
    used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used + 2 * seconds) + 2, hard))
    if base:
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (base + more, hard))


def lift(base: int) -> None:
    """Between jobs nothing is counted: memory must be there to say that it was not."""
    if resource is None:
        return
    signal.alarm(0)
    if base:
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


def readable_paths() -> list[str]:
    """What Python itself and this package must be able to read after the lock."""
    root = Path(__file__).parent.parent
    prefixes = {sys.prefix, sys.base_prefix, sys.exec_prefix}
    found = {*prefixes, str(root / "scrapers"), str(root / "ews" / "__init__.py")}
    found |= {path for path in sys.path if "site-packages" in path or "dist-packages" in path}
    found |= {"/usr/lib", "/lib", "/lib64", "/usr/local/lib", "/usr/share/zoneinfo", "/dev/null"}
    return sorted(path for path in found if os.path.exists(path))


# --------------------------------------------------------------------------- Landlock


def _landlock(libc: ctypes.CDLL, readable: Iterable[str]) -> None:
    """Files may be read below `readable` and nowhere else; no TCP, no signals to others."""
    create, add, restrict = _LANDLOCK
    version = libc.syscall(create, None, ctypes.c_size_t(0), 1)
    if version < 1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    files = _FILE_RIGHTS[min(version, 3)] | ((1 << 15) if version >= 5 else 0)
    net = 0b11 if version >= 4 else 0
    scopes = 0b11 if version >= 6 else 0
    wanted = struct.pack("=QQQ", files, net, scopes)[: 24 if version >= 6 else 16 if net else 8]
    ruleset = _checked(libc.syscall(create, wanted, ctypes.c_size_t(len(wanted)), 0))
    try:
        for path in readable:
            right = _READ if os.path.isdir(path) else 1 << 2
            where = os.open(path, os.O_PATH | os.O_CLOEXEC)
            try:
                rule = struct.pack("=Qi", right, where)
                _checked(libc.syscall(add, ruleset, 1, rule, 0))
            finally:
                os.close(where)
        _checked(libc.syscall(restrict, ruleset, 0))
    finally:
        os.close(ruleset)


def _checked(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


# --------------------------------------------------------------------------- seccomp


def _seccomp(libc: ctypes.CDLL) -> None:
    """What scrapers.worker_calls names is refused from now on."""
    machine = platform.machine()
    if machine not in ARCHITECTURES:
        raise OSError(errno.ENOSYS, f"not known on {machine}")
    code = program(machine)
    buffer = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("@HL", len(code) // 8, ctypes.addressof(buffer))
    _checked(libc.prctl(_SECCOMP, _FILTER, header, 0, 0))
