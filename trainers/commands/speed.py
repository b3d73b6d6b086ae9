"""Speed against the plain stack, as figures for ``docs/benchmarks.json`` and a page of it."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import torch
import typer

from core import places
from core.engine.engine import Engine
from core.errors import OverreadError
from core.evidence.timing import machine_name
from core.settings import settings
from core.weights import compiled
from trainers.commands.options import Threads
from trainers.fitting.logs import console
from trainers.measuring.side_by_side import section
from trainers.measuring.speed import matrix_rate, measured, series_seconds

ONE_SLICE = {
    "brain-mr": "brain-mr-03",
    "brain-type": "brain-type-01",
    "chest-ct": "chest-ct-02",
    "breast-mri": "breast-mri-01",
    "pet": "pet-01",
}
SERIES = {"brain-mr": "brain-mr-01", "chest-ct": "chest-ct-01", "mr-pet": "mr-pet-01"}


def speed_command(
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures here.")] = None,
    docs: Annotated[Path | None, typer.Option(help="Write a page of them here.")] = None,
    weights: Annotated[Path, typer.Option(help="Folder with the models.")] = places.WEIGHTS,
    repeats: Annotated[int, typer.Option(min=1)] = 7,
    threads: Threads = 0,
    processor_time: Annotated[bool, typer.Option(help="Of one thread, where the machine is busy otherwise.")] = False,
) -> None:
    """Reviews with heat maps against the plain stack, in turns, on simulated scans; run `overread compile` first."""
    if processor_time:
        torch.set_num_threads(1)  # the time of several threads would be added up
    elif threads:
        torch.set_num_threads(threads)
    clock = time.process_time if processor_time else time.perf_counter
    engine = Engine(weights)
    if not any(state.card and compiled.made(state.card, settings().programs) for state in engine.states()):
        raise OverreadError("No model is compiled for this machine.", "Run: overread compile")
    rate = matrix_rate(clock)
    systems: dict[str, Any] = {}
    for name, sample in ONE_SLICE.items():
        systems[name] = measured(engine, name, sample, repeats=repeats, clock=clock, rate=rate)
        console.print(f"{name}: {_line(systems[name])}")
    series: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as empty:
        engines = {"compiled": engine, "pytorch": Engine(weights, programs=Path(empty))}
        for name, sample in SERIES.items() if not processor_time else ():
            series[name] = {"sample": sample, **series_seconds(engines, name, sample, min(repeats, 3))}
            console.print(f"{name}: {series[name]}")
    found = {
        "machine": machine_name(),
        "processors": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "clock": "processor time of one thread" if processor_time else "time",
        "load": os.getloadavg()[0],
        "when": datetime.now(UTC).isoformat(timespec="minutes"),
        "torch": torch.__version__,
        "openvino": compiled.installed(),
        "matrix_product_gflops": rate / 1e9,
        "repeats": repeats,
        "one_slice": systems,
        "series_seconds": series,
    }
    if json_file is not None:
        if json_file.exists():  # what two builds were measured to take stands beside it
            found |= {k: v for k, v in json.loads(json_file.read_text(encoding="utf-8")).items() if k == "builds"}
        json_file.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if docs is not None:
        docs.write_text(page(found), encoding="utf-8")


def _line(one: Mapping[str, Any]) -> str:
    return f"{one['plain_ms']:.0f} ms by hand, {one['ours_ms']:.0f} ms here, {one['times']:.2f} times"


def page(found: Mapping[str, Any]) -> str:
    """The figures as a page in Markdown."""
    lines = [
        "# How fast",
        "",
        f"{found['machine']}, {found['processors']} processors, {found['threads']} threads, {found['clock']} "
        f"(load {found['load']:.1f} at the end), {found['when']}; torch {found['torch']}, "
        f"OpenVINO {found['openvino']}; medians of {found['repeats']} rounds. Made by `make bench` on built-in "
        "simulated scans.",
        "",
        "## One slice, every model, every heat map",
        "",
        "By hand: the same networks in eager float32, a forward pass, a mirrored one where the model is asked "
        "mirrored, and pytorch-grad-cam on the same layer. Here: rules, gate, every model, every heat map, as the "
        "page asks. Both in one process, in turns. Distance: time of the answers over the time that their operations "
        "would take at this machine's rate for a float32 matrix product "
        f"({found['matrix_product_gflops']:.0f} GFLOP/s).",
        "",
        "| system | by hand, ms | here, ms | times faster | decisions equal | largest distance of a map | distance |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, one in found["one_slice"].items():
        apart = max(model["map_apart"] for model in one["models"].values())
        lines.append(
            f"| {name} | {one['plain_ms']:.0f} | {one['ours_ms']:.0f} | **{one['times']:.2f}** | "
            f"{'yes' if one['decisions_equal'] else 'NO'} | {apart:.1g} | {one['distance']:.2f} |"
        )
    lines += [
        "",
        "| model | eager pass, ms | answer, ms | heat map, ms | heat map in passes | logit apart | map apart |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, one in found["one_slice"].items():
        for model, m in one["models"].items():
            lines.append(
                f"| {name}/{model} | {m['forward_ms']:.1f} | {m['answer_ms']:.1f} | {m['heat_map_ms']:.1f} | "
                f"{m['heat_map_forwards']:.2f} | {m['logit_apart']:.1g} | {m['map_apart']:.1g} |"
            )
    lines += [
        "",
        "A heat map of a segmenter explains its outline. The answer leaves which ReLUs of the decoder let through; the "
        "way back is walked within the rectangle that leads to the outline. Where no pixel is positive the strongest "
        "ones lie scattered, and that rectangle is the whole picture. Others are read off the answer's own map. "
        "What is left in both is not the network: the picture is prepared again to find the answer by, and the map is "
        "brought back onto the image.",
    ]
    if found["series_seconds"]:
        lines += [
            "",
            "## A series, every model",
            "",
            "| system | sample | PyTorch, s | compiled, s |",
            "|---|---|---|---|",
        ]
        for name, one in found["series_seconds"].items():
            lines.append(f"| {name} | {one['sample']} | {one['pytorch']:.2f} | {one['compiled']:.2f} |")
    if "builds" in found:
        lines += section(found["builds"])
    return "\n".join(lines) + "\n"
