"""The report of one case on paper: the answer first, then pictures, then what the numbers rest on."""

from __future__ import annotations

from reportlab.lib.units import mm
from reportlab.platypus import CondPageBreak, Flowable, KeepTogether, Spacer, Table, TableStyle

from core.engine.words import short
from core.reports import figures
from core.reports.build import record_of
from core.reports.case import CaseReport
from core.reports.figures import Figure
from core.reports.pdf import case_tables as tables
from core.reports.pdf import charts
from core.reports.pdf.drawn import drawn_by_hand
from core.reports.pdf.page import WIDTH, boxed, build, grid, moment, picture, section, words
from core.reports.record import CaseRecord

MOST_FLAGS = 14
MOST_THUMBNAILS = 12
GAP = 4 * mm
TALLEST = 90 * mm  # a projection's picture still fits below the answers on the first page


def case_pdf(report: CaseReport) -> bytes:
    """The report of one case as PDF, A4: the same content as its JSON, with pictures.

    Raises:
        ReportError: the case is blind (raised when the :class:`CaseReport` is made).
    """
    record = record_of(report)
    story: list[Flowable] = [
        *_opening(record),
        *_answers(record, report),
        *_pictures(report),
        *_heat_maps(report),
        *_disagreements(record, report),
        *_series(record, report),
        *_sizes(record),
        *drawn_by_hand(record),
        *_opinions(record),
        *_pedigree(record),
        *_reading(record),
    ]
    foot = (
        f"Case {record.study.sha256[:12]}, generated {moment(record.generated_at)}, "
        f"content SHA-256 {record.content_sha256[:16]}"
    )
    return build(
        story,
        title=f"Overread report, case {report.key}",
        subject=record.system.title,
        foot=foot,
        generated_at=record.generated_at,
    )


def _opening(record: CaseRecord) -> list[Flowable]:
    stamp = [boxed([words("Simulated sample: drawn by a computer, not a patient.", "notice")])]
    return [
        words(f"Second-opinion report: {record.system.title}", "title"),
        *([*stamp, Spacer(1, 2 * mm)] if record.study.simulated else []),
        Spacer(1, 2 * mm),
        tables.facts(record),
    ]


def _answers(record: CaseRecord, report: CaseReport) -> list[Flowable]:
    peak = record.most_suspicious_slice
    shown = [index for index in report.key_slices if index != report.review.peak]
    several = record.study.slices > 1
    out: list[Flowable] = [section("What the models say"), words(record.agreement, "lead")]
    if several:
        out.append(words(f"Image {peak} of {record.study.slices}, the most suspicious one:"))
    out.append(tables.answers(record, report.review.peak))
    for index in shown:
        out += [
            Spacer(1, GAP),
            words(f"Image {index + 1}, the one on the reader's screen:"),
            tables.answers(record, index),
        ]
    out += [
        *tables.both_modalities(record),
        Spacer(1, 1 * mm),
        words(
            "Probabilities are calibrated; the upright line in a bar is the model's threshold. " + record.system.scope,
            "small",
        ),
    ]
    return out


def _disagreements(record: CaseRecord, report: CaseReport) -> list[Flowable]:
    out: list[Flowable] = [section("Disagreements and warnings")]
    if record.gate is not None and record.gate.state != "passed":
        reasons = " ".join(record.gate.reasons)
        overruled = " A reader overruled it." if record.gate.overruled else " No answer is shown."
        out.append(words(f"The wrong-image gate stopped this image. {reasons}{overruled}", "strong"))
    if not record.flags:
        return [*out, words(_quiet(len(report.review.ready)))]
    by_slice: dict[int | None, list[str]] = {}
    for flag in record.flags:
        by_slice.setdefault(flag.slice, []).append(flag.text)
    key = (None, record.most_suspicious_slice, record.shown_slice)
    ordered = sorted(by_slice, key=lambda number: (number not in key, number or 0))
    rows = [
        ("All images" if number is None else f"Image {number}", " ".join(by_slice[number]))
        for number in ordered[:MOST_FLAGS]
    ]
    out.append(grid(rows, (62, WIDTH - 62), head=False))
    if len(ordered) > MOST_FLAGS:
        left = len(ordered) - MOST_FLAGS
        out.append(words(f"Flags of {left} more images are in the JSON and CSV of this report.", "small"))
    return out


def _quiet(models: int) -> str:
    if models == 0:
        return "None: no model has answered."
    if models == 1:
        return "None found; only one model answered, so no second one could disagree."
    return "None found: models, masks and neighbouring images agree as far as they were checked."


def _pictures(report: CaseReport) -> list[Flowable]:
    """Key slices as shown, each beside its outlines, or beside the only heat map where no model outlines."""
    out: list[Flowable] = []
    lone = figures.heat_maps(report) if _heat_beside(report) else ()
    for index in report.key_slices:
        pair = [figures.plain_slice(report, index)]
        if any(r.mask is not None for r in report.review.ready):
            pair.append(figures.overlay(report, index))
        pair += [figures.heat(report, heat) for heat in lone if heat.slice_index == index]
        out.append(KeepTogether([*([section("Images")] if not out else [Spacer(1, GAP)]), _row(pair, 2)]))
    marks = "Letters name the patient's side." if report.series.affine is not None else (
        "The file does not say how the patient lay: the picture has no side marks."
    )  # fmt: skip
    out.append(words(f"{_sentence(figures.window_words(report.display, report.series))} {marks}", "small"))
    return out


def _heat_beside(report: CaseReport) -> bool:
    ready = report.review.ready
    return len(ready) == 1 and ready[0].mask is None


def _heat_maps(report: CaseReport) -> list[Flowable]:
    shown = figures.heat_maps(report)
    if not shown:
        return []
    note, legend = _heat_words()
    if _heat_beside(report):
        return [legend, note]
    pictures = [figures.heat(report, heat, 480) for heat in shown]
    rows = [_row(pictures[start : start + 3], 3) for start in range(0, len(pictures), 3)]
    return [KeepTogether([section("Where the models looked"), rows[0]]), *rows[1:], legend, note]


def _heat_words() -> tuple[Flowable, Flowable]:
    note = words(
        "A heat map shows what spoke for the class in that network, not where the tumour ends. It is "
        "as bright as the answer is sure and as what it marks speaks strongly; maps whose method failed its test, or "
        "had none, are left out.",
        "small",
    )
    legend = Table([[words("0", "small"), charts.scale(), words("1", "small")]], colWidths=[10, 164, 12], hAlign="LEFT")
    legend.setStyle(TableStyle([("VALIGN", (0, 0), (-1, -1), "MIDDLE"), ("LEFTPADDING", (0, 0), (-1, -1), 0)]))
    return note, legend


def _series(record: CaseRecord, report: CaseReport) -> list[Flowable]:
    """Probabilities along the stack, and small pictures of the slices with a finding."""
    numbered = enumerate(record.models)  # by its place in the system a model has its colour
    answered = [(number, m) for number, m in numbered if m.slices and m.pedigree is not None]
    if record.study.slices < 3 or not answered:
        return []
    lines = [
        (
            number,
            short(m.title),
            [None if p is None else p.finding for p in map(m.at, range(record.study.slices))],
            m.pedigree.threshold.value,
        )
        for number, m in answered
        if m.pedigree is not None
    ]
    marked = [(report.review.peak, "most suspicious")]
    if abs(report.shown - report.review.peak) > record.study.slices / 5:
        marked.append((report.shown, "on the screen"))
    chosen = figures.outlined_slices(report, MOST_THUMBNAILS)
    every = len(figures.outlined_slices(report, record.study.slices))
    told = f"The {len(chosen)} most suspicious of {every} images" if every > len(chosen) else f"{len(chosen)} images"
    small = [figures.overlay(report, index, 300) for index in chosen]
    titled = [Figure(f.pixels, f"Image {f.index + 1}: {_votes(report, f.index)}", "", f.index) for f in small]
    rows = [_row(titled[start : start + 6], 6) for start in range(0, len(titled), 6)]
    chart = [
        section("Along the series"),
        words("Calibrated probability of a finding by image."),
        charts.along(lines, marked),
    ]
    lead = words(f"{told} with a mask or a finding, and those shown above; how many votes each has for a finding:")
    return [KeepTogether(chart), KeepTogether([lead, rows[0]]), *rows[1:]]


def _votes(report: CaseReport, index: int) -> str:
    vote = report.review.votes[index]
    return f"{len(vote.yes)} of {len(vote.counted)}"


def _sizes(record: CaseRecord) -> list[Flowable]:
    table = tables.sizes(record)
    if table is None:
        return []
    how = (
        "Area: mask pixels times pixel size. Volume: mask voxels times pixel size times the distance between images. "
        "Automatic and unverified: measure by hand before a size is used."
        if record.study.spacing_mm is not None
        else "The file does not give the pixel size, so sizes are in pixels."
    )
    if record.study.projection != "slice":
        how += " On a projection the area is that of the lesion's shadow."
    return [KeepTogether([section("Measurements of the masks"), table, words(how, "small")])]


def _opinions(record: CaseRecord) -> list[Flowable]:
    if not record.opinions:
        return []
    return [section("Readers' opinions"), *tables.opinions(record)]


def _pedigree(record: CaseRecord) -> list[Flowable]:
    out: list[Flowable] = [CondPageBreak(55 * mm), section("What the numbers rest on")]
    for model in record.models:
        if model.pedigree is None:
            out.append(words(f"{model.title}: {model.status}. {model.reason}"))
            continue
        out += [
            CondPageBreak(40 * mm),
            words(model.title, "strong"),
            tables.pedigree(model, model.pedigree, record.system.name),
            Spacer(1, GAP),
        ]
    out.append(words(record.system.licence, "small"))
    return out


def _reading(record: CaseRecord) -> list[Flowable]:
    study = record.study
    lines = [*study.notes, *study.problems] or ["Nothing had to be assumed when the files were read."]
    return [
        section("Reading the files"),
        *(words(line, "small") for line in lines),
        words("Names and other identifying tags were dropped when the files were read.", "small"),
        section("Seal of this report"),
        words(
            f"Content SHA-256 {record.content_sha256} over the JSON of this report (schema {record.schema_version}) "
            f"without the time of generation. Upload SHA-256 {study.sha256}. "
            f"{record.software}, {moment(record.generated_at)}.",
            "small",
        ),
    ]


def _row(pictures: list[Figure], columns: int) -> Table:
    """Pictures side by side with their words below."""
    width = WIDTH / columns
    inner = width - 6
    tall = max(f.pixels.shape[0] / f.pixels.shape[1] for f in pictures)
    most = TALLEST
    scaled = inner if inner * tall <= most else most / tall
    cells = [
        [picture(f.pixels, scaled), words(f.title, "head" if columns < 6 else "small"),
         *([words(f.caption, "small")] if f.caption else [])]
        for f in pictures
    ]  # fmt: skip
    cells += [[] for _ in range(columns - len(cells))]
    table = Table([cells], colWidths=[width] * columns)
    table.setStyle(
        TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("RIGHTPADDING", (0, 0), (-1, -1), 6),
            ]
        )
    )
    return table


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."
