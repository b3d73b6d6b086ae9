"""Two builds side by side, as a section of the page of benchmarks; ``python -m tests.long.builds`` measures them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

HIGHER = "a second"  # a figure whose name holds this is better the higher it is
# What is asked of the new build, by a part of the figure's name; the first that fits.
MUST = {
    "everything": "4 times faster",
    "slice in view": "10 times faster",
    HIGHER: "5 times faster",
    "evaluate": "5 minutes",
    "first page": "3 s",
    "first answer": "5 s",
}


def times(what: str, medians: Mapping[str, float]) -> float:
    """How many times better the new build's figure is.

    >>> times("archive: images a second", {"old": 2.0, "new": 10.0})
    5.0
    >>> times("start to first page, s", {"old": 9.0, "new": 3.0})
    3.0
    """
    old, new = medians["old"], medians["new"]
    return new / old if HIGHER in what else old / new


def section(found: Mapping[str, Any]) -> list[str]:
    """Lines of Markdown: machine, commits, rounds, medians, ratios, and what is asked."""
    lines = [
        "",
        "## Against an older build",
        "",
        f"Builds {found['old'][:7]} and {found['new'][:7]}, in alternating processes, on the same simulated scans with "
        f"the {len(found['models'])} models that both have; {found['machine']}, {found['processors']} processors (load "
        f"{found['load']:.1f} at the end), {found['when']}; medians of {found['rounds']} rounds. Weights are loaded "
        "before a series or an archive is timed, and are not before a start. An archive is one of "
        f"{found['archive_images']} breast crops in a store; `evaluate` was asked about {found['evaluated_slices']} "
        f"slices and a fifth of them, in {found['evaluated_rounds']} rounds, and the time of a thousand lies on the "
        "line through both. Made by `python -m tests.long.builds`.",
        "",
        "| what | older | newer | times better | asked |",
        "|---|---|---|---|---|",
    ]
    for what, medians in found["medians"].items():
        asked = next((must for part, must in MUST.items() if part in what), "")
        lines.append(
            f"| {what} | {medians['old']:.3g} | {medians['new']:.3g} | **{times(what, medians):.2f}** | {asked} |"
        )
    if "least" in found:
        lines += ["", _least(found["least"])]
    if "memory" in found:
        one = found["memory"]
        lines += [
            "",
            f"`overread score` of {one['images'][1]} crops: {one['images_a_second']} images a second from the start of "
            f"the process to its end, {one['peak_mib'][1]} MiB at most; of {one['images'][0]}: {one['peak_mib'][0]} "
            f"MiB. That is {one['mib_a_thousand']} MiB a thousand images.",
        ]
    return lines


def _least(found: Mapping[str, Any]) -> str:
    """What the networks' passes alone would take."""
    brain, chest, breast = (found[name] for name in ("brain-mr", "chest-ct", "breast-mri"))
    return (
        "Everything is all answers, masks, and a heat map of every slice by every model. The least that the passes "
        "take, were each a float32 matrix product at this machine's rate "
        f"({found['matrix_product_gflops']} GFLOP/s, the best of the run; multiplications with the zeros around a map "
        f"are counted): of brain-mr {brain['series_s']} s ({brain['gflop_an_image']} GFLOP a slice with its mirrored "
        f"one), of chest-ct {chest['series_s']} s ({chest['gflop_an_image']}), of an archive of breast crops "
        f"{breast['images_a_second']} images a second ({breast['gflop_an_image']})."
    )
