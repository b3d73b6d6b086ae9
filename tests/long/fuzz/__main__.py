"""``python -m tests.long.fuzz --inputs 20000 --seed 1``: figures of how damaged uploads end.

Inputs are read in a process of their own with a bound on its memory, and each within a bound of time: a decoder that
ends the process or hangs is a failure like any other exception. Input ``n`` of a seed is always the same file.
"""

from __future__ import annotations

import argparse
import collections
import json
import multiprocessing
import sys
from dataclasses import asdict
from pathlib import Path

from tests.long.figures import keep
from tests.long.fuzz.seeds import SEEDS
from tests.long.fuzz.worker import ENDS, MOST_SECONDS, End, make, work


def run(seed: int, first: int, count: int) -> tuple[list[End], int]:
    """Ends of all inputs, and the largest memory of a process in MiB; a process that ends early is started again."""
    context = multiprocessing.get_context("spawn")
    ends: list[End] = []
    largest, at, last = 0, first, first + count
    while at < last:
        mine, its = context.Pipe()
        process = context.Process(target=work, args=(its, seed, range(at, last)), daemon=True)
        process.start()
        its.close()
        under: tuple[int, str] | None = None
        done = False
        while not done:
            try:
                if not mine.poll(20 * MOST_SECONDS):
                    process.kill()
                    raise EOFError
                message, what, more = mine.recv()
            except EOFError:
                break
            if message == "begin":
                under = (what, more)
            elif message == "end":
                ends.append(End(**what))
                largest, under, at = max(largest, more), None, what["number"] + 1
                if len(ends) % 1000 == 0:
                    print(f"{len(ends):,} inputs", file=sys.stderr, flush=True)
            else:
                done = True
        process.join()
        if under is not None:
            ends.append(End(under[0], under[1], "crash", 0.0, f"the process ended with code {process.exitcode}"))
            at = under[0] + 1
        elif not done:
            raise RuntimeError(f"the worker ended between inputs, with code {process.exitcode}")
    return ends, largest


def figures(ends: list[End], largest: int) -> str:
    """The table that is printed."""
    lines = [f"{'format':22}" + "".join(f"{how:>17}" for how in ENDS) + f"{'slowest, s':>12}"]
    for kind in [*SEEDS, "all"]:
        mine = [e for e in ends if kind in (e.kind, "all")]
        counts = collections.Counter(e.how for e in mine)
        slowest = max((e.seconds for e in mine), default=0.0)
        lines.append(f"{kind:22}" + "".join(f"{counts[how]:17,}" for how in ENDS) + f"{slowest:12.2f}")
    lines.append(f"largest memory of the reading process: {largest:,} MiB")
    caught = collections.Counter(e.why for e in ends if e.how == "told" and e.why)
    lines.append("told by a catch-all, by exception and last line of our code:")
    lines += [f"  {count:6,}  {why}" for why, count in caught.most_common(25)]
    bad = [e for e in ends if e.how not in ("read", "told")]
    lines += [f"FAILED input {e.number} ({e.kind}): {e.how}, {e.seconds:.1f} s, {e.why}" for e in bad]
    return "\n".join(lines)


def main() -> int:
    """Run, print figures, and fail where an input ended otherwise than it should."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=20_000, help="how many damaged files are read")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    parser.add_argument("--write", type=Path, help="write input number --first to this file, and read nothing")
    parser.add_argument("--json", type=Path, help="write the end of every input to this file")
    parser.add_argument("--figures", type=Path, help="add the counts to this file, as docs/figures.json")
    options = parser.parse_args()
    if options.write:
        options.write.write_bytes(make(options.seed, options.first)[1])
        return 0
    ends, largest = run(options.seed, options.first, options.inputs)
    print(figures(ends, largest))
    if options.json:
        options.json.write_text(json.dumps([asdict(end) for end in ends]))
    if options.figures:
        counts = {how: sum(end.how == how for end in ends) for how in ENDS}
        asked = f"python -m tests.long.fuzz --inputs {options.inputs} --seed {options.seed} --first {options.first}"
        keep(options.figures, "damaged_input", asked, {"inputs": len(ends), **counts, "largest_mib": largest})
    return int(any(end.how not in ("read", "told") for end in ends))


if __name__ == "__main__":
    sys.exit(main())
