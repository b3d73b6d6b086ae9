"""Nobody is asked which address this machine has.

Streamlit would: where it listens on every address, at every start, and whenever a page of another address opens its web
socket. It turns to a server on the Internet for that, and takes what comes back for an origin to let in. Who runs this
server knows its address, and a page of this server comes from the name it was asked under (``OVERREAD_HOSTS``).
"""

from __future__ import annotations

from streamlit import net_util


def unknown() -> None:
    """No address: none is printed, and no origin is let in for it."""
    return


def keep_alone() -> None:
    """From now on in this process."""
    net_util.get_external_ip = unknown  # type: ignore[assignment]
    net_util.get_internal_ip = unknown  # type: ignore[assignment]
