"""Which addresses processes turn to, as the kernel is told (strace): nothing of theirs can keep it from being seen."""

from __future__ import annotations

import ipaddress
import re
import time
from pathlib import Path

CALLS = "connect,sendto,sendmsg,sendmmsg"
_FAMILY = re.compile(r"sa_family=(AF_\w+)")
_ADDRESS = re.compile(r"inet_(?:addr\(|pton\(AF_INET6, )\"([^\"]+)\"")
_OWN = {"AF_UNIX", "AF_LOCAL", "AF_NETLINK", "AF_UNSPEC"}  # this machine's own: sockets of files, and its kernel
_END_SECONDS = 30


def under(log: Path) -> tuple[str, ...]:
    """What to put before a command so that it and all its children are watched; it stays its starter's child."""
    return ("strace", "-D", "-f", "--seccomp-bpf", "-e", f"trace={CALLS}", "-o", str(log))


def ended(log: Path, process: int) -> str:
    """The log, once it says that a process has ended."""
    end, last = time.monotonic() + _END_SECONDS, re.compile(rf"^{process} +\+\+\+ ", re.MULTILINE)
    while time.monotonic() < end:
        if last.search(text := log.read_text(encoding="utf-8", errors="replace")):
            return text
        time.sleep(0.1)
    raise AssertionError(f"process {process} did not end within {_END_SECONDS} s")


def addresses(log: str) -> set[str]:
    """All addresses of a network that were named in the calls; a call with one of an unknown kind counts as itself."""
    found: set[str] = set()
    for line in log.splitlines():
        kinds = set(_FAMILY.findall(line)) - _OWN
        told = _ADDRESS.findall(line)
        found |= set(told) if told else ({line} if kinds else set())
    return found


def strangers(log: str) -> set[str]:
    """Those that are not this machine."""
    return {told for told in addresses(log) if not _here(told)}


def _here(address: str) -> bool:
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = known.ipv4_mapped if isinstance(known, ipaddress.IPv6Address) else None
    return (mapped or known).is_loopback
