"""``overread readers``: analyse a reader study, and plan one."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from core.errors import OverreadError
from core.evidence import readings as files
from core.evidence.reader_analysis import METHOD, analyse
from core.statistics import Interval
from core.statistics.multireader import reader_power
from core.statistics.multireader.automation_bias import automation_bias
from core.statistics.multireader.reader_study import Difference, ReaderStudy, To

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def _root() -> None:
    """Reader studies: several readers, several cases, two or more arms (alone, with the models, ...)."""


@app.command()
def compare(
    source: Annotated[Path, typer.Argument(help="CSV with reader, case, arm, truth, rating; or an .imrmc file.")],
    out: Annotated[Path | None, typer.Option(help="Write the whole analysis as JSON.")] = None,
    imrmc: Annotated[Path | None, typer.Option(help="Write the readings in iMRMC's input format.")] = None,
) -> None:
    """Compare the arms: areas under the ROC curve with intervals, differences with p values (Obuchowski-Rockette)."""
    readings = files.read(source)
    found = analyse(readings)
    positives = int(readings.truth.sum())
    blocks = f" in {found.blocks} blocks" if found.blocks > 1 else ""
    typer.echo(
        f"{len(readings.readers)} readers, {len(readings.cases)} cases ({positives} with a finding), "
        f"{len(readings.arms)} arms{blocks}; areas under the ROC curve, covariances by DeLong"
    )
    for study in found.studies:
        typer.echo(f"\nHolds for other {study.to} ({_test(study)}):")
        for name, arm in zip(readings.arms, study.arms, strict=True):
            typer.echo(f"  {name}: {_told(arm)}")
        for gap in study.differences:
            typer.echo(f"  {_pair(readings, gap)}: {_told(gap.interval)}, p {gap.p:.4f}")
    typer.echo("\nWithout the model, readers and cases drawn anew:")
    for gap, drawn in zip(found.studies[0].differences, found.drawn, strict=True):
        typer.echo(f"  {_pair(readings, gap)}: {_told(drawn)}")
    if out is not None:
        _write(out, json.dumps(_json(readings, found.studies), indent=1, allow_nan=False) + "\n")
    if imrmc is not None:
        _write(imrmc, files.imrmc(readings, f"From {source.name}"))


@app.command()
def advice(
    source: Annotated[Path, typer.Argument(help="CSV with reader, case, arm (first: alone), truth, ai, decision.")],
) -> None:
    """What a machine's advice brought each reader and cost them, where it was right and where it was wrong."""
    decided, said = files.read_advised(source)
    found = automation_bias(decided.truth, said, *decided.ratings)
    wrong = int((said != decided.truth).sum())
    typer.echo(
        f"{len(decided.readers)} readers, {len(decided.cases)} cases, advice wrong in {wrong}; "
        f"{decided.arms[0]} against {decided.arms[1]}, change of the share of right answers:"
    )
    for name, change in (("all cases", found.change), ("advice right", found.right), ("advice wrong", found.wrong)):
        typer.echo(f"  {name}: {_told(change) if change else 'no such case'}")
    for reader, one in zip(decided.readers, found.readers, strict=True):
        typer.echo(
            f"  reader {reader}: gained {one.gained}, lost {one.lost} ({one.followed} after wrong advice), "
            f"change {_told(one.change)}, p {one.p:.3f}; came over to right advice {_share(one.taken_right)}, "
            f"to wrong advice {_share(one.taken_wrong)}{'; HARMED' if one.harmed else ''}"
        )


@app.command()
def plan(
    readers: Annotated[int, typer.Option(help="How many readers.", min=2)],
    positives: Annotated[int, typer.Option(help="Cases with a finding.", min=2)],
    negatives: Annotated[int, typer.Option(help="Cases without.", min=2)],
    first: Annotated[float, typer.Option(help="Area under the ROC curve expected in one arm, 0.5 to 1.")],
    second: Annotated[float, typer.Option(help="Area expected in the other.")],
    studies: Annotated[int, typer.Option(help="How many studies to simulate.", min=1)] = 500,
    blocks: Annotated[int, typer.Option(help="Blocks that readers and cases are dealt into (split-plot).", min=1)] = 1,
    seed: Annotated[int, typer.Option(help="Another seed, other simulated studies.")] = 0,
) -> None:
    """Simulate studies of this size (Roe and Metz) and count those that find the difference at p < 0.05."""
    design = reader_power.Design(readers, positives, negatives, first, second, blocks=blocks)
    found = reader_power.power(design, studies, seed)
    typer.echo(
        f"Power {found.value:.2f} ({found.low:.2f} to {found.high:.2f}, {studies} simulated studies): "
        f"{readers} readers, {positives} + {negatives} cases in {blocks} block(s), {first:g} against {second:g}"
    )


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OverreadError(f"{path} could not be written ({error.strerror}).", "Name a file you may write.") from error


def _pair(readings: files.Readings, gap: Difference) -> str:
    return f"{readings.arms[gap.first]} - {readings.arms[gap.second]}"


def _told(value: Interval) -> str:
    return f"{value.value:.4f} ({value.low:.4f} to {value.high:.4f})"


def _share(value: Interval) -> str:
    return f"{value.value:.2f} ({value.low:.2f} to {value.high:.2f}, of {value.n})" if value.n else "- (no such case)"


def _test(study: ReaderStudy) -> str:
    first, second = study.test.df
    if study.to is To.CASES:
        return f"chi-square({first:.0f}) = {study.test.statistic * first:.2f}, p {study.test.p:.4f}"
    return f"F({first:.0f}, {second:.2f}) = {study.test.statistic:.2f}, p {study.test.p:.4f}"


def _json(readings: files.Readings, studies: tuple[ReaderStudy, ...]) -> dict[str, object]:
    def finite(value: float) -> float | None:
        return value if abs(value) < float("inf") else None  # also None for nan

    return {
        "arms": readings.arms,
        "readers": readings.readers,
        "cases": len(readings.cases),
        "positives": int(readings.truth.sum()),
        "areas": studies[0].figures.tolist(),
        "components": asdict(studies[0].components),
        "analyses": [
            {
                "holds_for": str(study.to),
                "statistic": finite(study.test.statistic),
                "df": [finite(df) for df in study.test.df],
                "p": finite(study.test.p),
                "arms": [[finite(a.value), finite(a.low), finite(a.high)] for a in study.arms],
                "differences": [
                    {
                        "first": readings.arms[gap.first],
                        "second": readings.arms[gap.second],
                        "difference": [finite(v) for v in (gap.interval.value, gap.interval.low, gap.interval.high)],
                        "p": finite(gap.p),
                    }
                    for gap in study.differences
                ],
            }
            for study in studies
        ],
        "method": METHOD,
    }


if __name__ == "__main__":
    app()
