"""One picture looked into: grey levels against its class, edges, patterns, gradients, co-occurrence."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from core.audit import histograms, texture
from core.audit.browse import Entry
from core.csv_cells import frame_csv
from dashboard.dataset import data, gallery, set_images, viewed
from dashboard.dataset.data import ClassMeans, Shown
from dashboard.evidence import figures
from dashboard.kit import messages, picture, render, tables, words
from dashboard.kit.charts import Chart
from dashboard.kit.slice_strip import COLOURS, DASHES

PLAIN, CUMULATIVE, LOGARITHMIC = "plain", "cumulative", "logarithmic"
SIDE = 420


@st.fragment
def pictures(found: Shown) -> None:
    """The gallery and what is known of the chosen picture; drawn again by itself."""
    with messages.shown():
        entry = gallery.show(found)
        if entry is not None:
            show(found, entry)


def show(found: Shown, entry: Entry) -> None:
    """The chosen picture with its mask and facts, then its grey levels and its texture beside those of the classes."""
    st.subheader("The chosen picture", anchor="picture")
    pixels = found.pictures.pixels(entry)
    mask = found.pictures.mask(entry)
    left, right = st.columns(2, gap="large")

    def drawn_here() -> None:
        grey = data.display(found, pixels)
        drawn = [render.truth_contour(mask)] if mask is not None and mask.any() else []
        framed = render.framed(render.picture(grey, _size(grey.shape), contours=drawn), SIDE)
        picture.show(framed, f"{entry.label}: {entry.name}" + (", true outline in dashed red" if drawn else ""))

    with left:
        owner = f"dataset {found.key}"
        viewed.show(found, entry, key="dataset", owner=owner, height="min(70vh, 560px)", fallback=drawn_here)
        _facts(found, entry, pixels, mask)
    with right:
        means = data.class_means(found)
        with st.container(horizontal=True, gap="large"):
            kinds = [PLAIN, CUMULATIVE, LOGARITHMIC]
            kind = st.segmented_control(
                "Grey levels", kinds, default=PLAIN, required=True, key=f"histogram-{found.key}"
            )
            figures.save_as(st)
        figures.show(levels(found, entry, pixels, means, kind or PLAIN), f"{found.stem}-{kind}")
    _textures(found, entry, pixels, means)


def levels(found: Shown, entry: Entry, pixels: NDArray[np.generic], means: list[ClassMeans], kind: str) -> Chart:
    """Histogram of the picture as bars, and the mean of each class as lines."""
    edges = means[0].histogram.edges
    own = histograms.grey_histogram([pixels], edges)
    figure = go.Figure()
    cumulative = kind == CUMULATIVE
    figure.add_bar(
        x=own.centres,
        y=100 * (own.cumulative if cumulative else own.shares),
        width=np.diff(edges),
        name="this picture",
        marker={"color": "#8c8c8c", "opacity": 0.55},
    )
    for number, mean in enumerate(means):
        figure.add_scatter(
            x=mean.histogram.centres,
            y=100 * (mean.histogram.cumulative if cumulative else mean.histogram.shares),
            mode="lines",
            line={"color": COLOURS[number % len(COLOURS)], "dash": DASHES[number % len(DASHES)], "width": 2},
            name=f"{mean.label}, mean of {mean.pictures}",
        )
    unit = "Grey level" if pixels.dtype == np.uint8 else "SUV" if found.pictures.name.endswith("(pet)") else "Value"
    title = "Pixels up to this level (%)" if cumulative else "Pixels (%)"
    figure.update_layout(
        height=400, margin={"l": 56, "r": 12, "t": 12, "b": 90}, legend={"orientation": "h", "y": -0.22}, bargap=0
    )
    figure.update_xaxes(title=unit, zeroline=False)
    figure.update_yaxes(title=title, zeroline=False, type="log" if kind == LOGARITHMIC else "linear")
    middle = float(np.percentile(pixels.astype(np.float64), 50))
    classes = "; ".join(f"mean of {m.pictures} pictures of {m.label}" for m in means)
    alt = f"{kind} histogram of {entry.name}: median {middle:.1f}; {classes}"
    return Chart(f"levels-{kind}", f"Grey levels, {kind}", figure, alt)


def _facts(found: Shown, entry: Entry, pixels: NDArray[np.generic], mask: NDArray[np.bool_] | None) -> None:
    height, width = pixels.shape
    told = {
        "Class": entry.label,
        "Name": entry.name,
        "Group": entry.group or "unknown",
        "Part": entry.split or "none named",
        "Matrix": f"{width} × {height}",
        "Values": f"{pixels.min():.4g} to {pixels.max():.4g}, mean {pixels.mean():.4g}, deviation {pixels.std():.4g}",
        "Mask": "none in this set" if mask is None else f"{int(mask.sum()):,} pixels" if mask.any() else "empty",
    }
    rows = "".join(f"<tr><th scope='row'>{k}</th><td>{words.cell(v)}</td></tr>" for k, v in told.items())
    st.html(f"<table class='ev' aria-label='The chosen picture'><tbody>{rows}</tbody></table>")
    if found.system and st.button("Open on the Review page", icon=":material/radiology:", key=f"review-{found.key}"):
        set_images.review(found, entry, found.system)


def _textures(found: Shown, entry: Entry, pixels: NDArray[np.generic], means: list[ClassMeans]) -> None:
    st.subheader("Texture", anchor="texture")
    if min(pixels.shape) < texture.SMALLEST:
        st.info(f"A picture of {pixels.shape[1]} × {pixels.shape[0]} pixels has no texture to measure.")
        return
    patterns, gradients = texture.local_binary_patterns(pixels), texture.oriented_gradients(pixels)
    codes = patterns.codes / patterns.codes.max() if patterns.codes.max() else patterns.codes.astype(float)
    tiles = (
        ("Edges (Sobel)", texture.sobel(pixels), "Strength of the edges, white for the strongest"),
        ("Local binary patterns", codes, "8 neighbours at 1 pixel, uniform patterns; white: irregular"),
        (
            "Oriented gradients (HOG)",
            gradients.picture,
            f"{gradients.length:,} numbers, cells of {gradients.cell} pixels, {gradients.orientations} directions",
        ),
    )
    for place, (title, values, told) in zip(st.columns(3), tiles, strict=True):
        with place:
            grey = np.round(255 * np.clip(values, 0, 1)).astype(np.uint8)
            picture.show(render.framed(render.picture(grey, _size(grey.shape)), SIDE), f"{title} of {entry.name}")
            st.caption(f"**{title}.** {told}.")
    frame = co_occurrences(pixels, means)
    heads = "".join(f"<th scope='col'>{words.cell(c)}</th>" for c in frame.columns)
    body = "".join(
        f"<tr><th scope='row'>{words.cell(row[0])}</th>{''.join(f'<td>{words.cell(v)}</td>' for v in row[1:])}</tr>"
        for row in frame.itertuples(index=False)
    )
    st.html(
        "<div class='ev-wide' style='max-width: 60rem' tabindex='0' role='region' "
        "aria-label='Grey-level co-occurrence'>"
        f"<table class='ev' aria-label='Grey-level co-occurrence'><thead><tr>{heads}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )
    st.caption(
        "Grey-level co-occurrence: 32 levels, neighbours 1 pixel apart, mean of four directions. "
        f"Classes: mean ± deviation over {' and '.join(str(m.pictures) for m in means)} pictures, spread over groups."
    )
    tables.take_along(frame_csv(frame), f"{found.stem}-co-occurrence", f"glcm-csv-{found.key}")


def co_occurrences(pixels: NDArray[np.generic], means: list[ClassMeans]) -> pd.DataFrame:
    """Properties of the picture's co-occurrence matrix beside those of the classes, as text with four figures."""
    rows = []
    for one in texture.co_occurrence(pixels):
        row = {"property": one.name, "this picture": f"{one.mean:.4g}"}
        row |= {"directions": f"{one.lowest:.4g} to {one.highest:.4g}"}
        rows.append(row | {m.label: "{:.4g} ± {:.2g}".format(*m.textures[one.name]) for m in means if m.textures})
    return pd.DataFrame(rows)


def _size(shape: tuple[int, ...]) -> tuple[int, int]:
    scale = SIDE / max(shape)
    return max(1, round(shape[1] * scale)), max(1, round(shape[0] * scale))
