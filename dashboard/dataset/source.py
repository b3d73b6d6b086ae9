"""Which set is looked at: one of the data folder, simulated scans, or a folder of the reader's own."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from core.audit.sets import FIRST, VOLUMES, read_index
from core.csv_cells import frame_csv
from core.errors import DataLayoutError
from core.review import Action, open_store
from core.review.archives import permitted
from dashboard.dataset import data
from dashboard.dataset.data import Shown, Source
from dashboard.kit import tables, who, words

OWN = "A folder of mine …"


def choose() -> Shown | None:
    """The chosen set; ``None`` while the folder has not been named."""
    tables.style()
    offered = {source.title: source for source in data.sources()}
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    own = [OWN] if who.may(Action.IMPORT) else []  # naming a folder of the server is for whoever may import one
    title = left.selectbox("Data set", [*offered, *own], key="dataset-source")
    if title != OWN:
        right.caption(
            "Pictures stay where they are: each is read when it is shown, nothing is copied."
            if offered[title].folder
            else "Drawn by a computer when shown: no patient."
        )
        return data.shown(offered[title])
    with right:
        return _own()


def _own() -> Shown | None:
    text = st.text_input(
        "Folder on this server with an index.csv",
        key="dataset-folder",
        placeholder="/data/my-scans",
        help="Columns of index.csv: image, label, and where known patient, split, mask. Paths relative to the folder.",
    )
    if not text.strip():
        st.caption("Lay it out as a data card says: see “How to lay it out” of any set here.")
        return None
    folder = Path(text.strip())
    if not folder.is_absolute() and not text.strip().startswith("~"):
        raise DataLayoutError(f"{text} is no whole path.", "Begin with the root, such as /data/my-scans.")
    folder = permitted(open_store(), who.number(), folder)
    head = read_index(folder)[0]
    series = FIRST
    if "image" not in head:
        known = [name for name in VOLUMES if name in head]
        if known:
            series = st.segmented_control("Series", known, default=known[0], key="dataset-series") or known[0]
    return data.shown(Source(folder.name, folder, series))


def counts(found: Shown) -> None:
    """Pictures, share and groups of every class, by part where the set names parts."""
    st.subheader("Classes", anchor="classes")
    frame = table(found)
    parts = [c for c in frame.columns if c.startswith("part ")]
    most = frame["pictures"].max()
    body = ""
    for row in frame.to_dict("records"):
        bar = f"<div class='ds-bar' style='width:{100 * row['pictures'] / most:.1f}%'></div>"
        cells = "".join(f"<td>{row[part]:,}</td>" for part in parts)
        body += (
            f"<tr><th scope='row'>{words.cell(row['class'])}</th><td>{row['pictures']:,}{bar}</td>"
            f"<td>{100 * row['share']:.1f} %</td><td>{row['groups']:,}</td>{cells}</tr>"
        )
    heads = "".join(f"<th scope='col'>{words.cell(h)}</th>" for h in ["Class", "Pictures", "Share", "Groups", *parts])
    groups = len({e.group for e in found.entries if e.group})
    st.html(
        "<style>.ds-bar { height: 5px; background: #4c8fb0; border-radius: 2px; margin-top: 3px; min-width: 2px; }"
        "</style>"
        + tables.wide("Classes", f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody>", style="max-width: 60rem")
    )
    known = f"{words.count(groups, 'group')} (patients, or pictures that belong together)" if groups else "no groups"
    drawn = " The card's audit draws 240 of them; these are the first." if found.source.folder is None else ""
    st.caption(f"{words.count(len(found.entries), 'picture')}, {known}.{drawn}")
    tables.take_along(frame_csv(frame), f"{found.stem}-classes", f"counts-csv-{found.key}")


def table(found: Shown) -> pd.DataFrame:
    """A row per class: pictures, share of all, groups, and pictures in each part."""
    parts = sorted({e.split for e in found.entries if e.split})
    rows = []
    for label in found.labels:
        own = [e for e in found.entries if e.label == label]
        row: dict[str, object] = {
            "class": label,
            "pictures": len(own),
            "share": len(own) / len(found.entries),
            "groups": len({e.group for e in own if e.group}),
        }
        rows.append(row | {f"part {part}": sum(e.split == part for e in own) for part in parts})
    return pd.DataFrame(rows)
