"""Whether a busy server still says that it lives: ``python -m tests.long.pulse URL SECONDS``.

Asks ``/health`` five times a second, each time over a new connection, from a process of its own: in that of many
clients their own waiting for each other would be counted too. Prints how often, and the milliseconds. SIGINT ends it
before its time.
"""

from __future__ import annotations

import contextlib
import sys
import time
import urllib.request

import numpy as np


def main(url: str, seconds: float) -> None:
    """Ask, tell. Raises ``OSError`` at the first call that is not answered."""
    spent, end = [], time.monotonic() + seconds
    with contextlib.suppress(KeyboardInterrupt):
        while time.monotonic() < end:
            before = time.perf_counter()
            with urllib.request.urlopen(f"{url}/health", timeout=60) as answer:
                answer.read()
            spent.append(1000 * (time.perf_counter() - before))
            time.sleep(0.2)
    p50, p95, p99 = np.percentile(spent, (50, 95, 99))
    print(f"health alone n {len(spent):6}  p50 {p50:.0f}  p95 {p95:.0f}  p99 {p99:.0f}  longest {max(spent):.0f} ms")


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
