"""The image behind a line of the evidence, where the data set lies on this server."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import streamlit as st

from core import systems
from core.audit import browse
from core.audit.browse import Entry
from core.audit.datacards import read_card
from core.audit.folder import data_root
from core.errors import OverreadError
from core.systems import Match
from core.weights.card import ModelCard
from dashboard.dataset import data as dataset_data
from dashboard.dataset import viewed
from dashboard.dataset.data import Shown, Source
from dashboard.kit import blinding, cases, messages, picture, render, routes, words
from dashboard.viewer import component

SIDE = 340
WIDTH = 620  # of the viewer, CSS pixels


def available() -> bool:
    """Whether there is a data folder at all."""
    return data_root() is not None


def locate(card: ModelCard, image: str) -> tuple[Shown, Entry] | None:
    """Set and entry of an image by its name in the predictions; ``None`` when no set of this server holds it."""
    root = data_root()
    if root is None:
        return None
    used = {use.name for use in card.data}
    for folder, series in browse.folders_under(root):
        described = read_card(folder.name)
        if folder.name not in used and (described is None or described.system != card.system):
            continue
        try:
            found = dataset_data.shown(Source(folder.name, folder, series))
        except OverreadError as error:
            messages.LOG.warning("the set %s cannot be opened: %s", Path(folder).name, error)
            continue
        entry = _names(found.key, found).get(image)
        if entry is not None:
            return found, entry
    return None


@st.cache_resource(show_spinner=False, max_entries=8)
def _names(key: str, _found: Shown) -> dict[str, Entry]:
    return {entry.name: entry for entry in _found.entries}


def show(card: ModelCard, image: str, key: str) -> None:
    """The image with its true outline, and the way to it on the Review page."""
    place = locate(card, image)
    if place is None:
        st.info(f"{words.plain(image)} is in no data set of this server: made for the test, or kept elsewhere.")
        return
    found, entry = place
    pixels = found.pictures.pixels(entry)
    if blinding.waits(np.asarray(pixels)):
        st.info("This image waits for your own opinion or answer: read it first.", icon=":material/visibility_lock:")
        return

    def drawn_here() -> None:
        grey = dataset_data.display(found, pixels)
        mask = found.pictures.mask(entry)
        drawn = [render.truth_contour(mask)] if mask is not None and mask.any() else []
        scale = SIDE / max(grey.shape)
        size = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
        framed = render.framed(render.picture(grey, size, contours=drawn), SIDE)
        picture.show(framed, f"{entry.label}: {entry.name}" + (", true outline in dashed red" if drawn else ""))

    with st.container(width=WIDTH if component.ready() else SIDE):
        viewed.show(found, entry, key=f"set-{key}", owner="evidence", height="min(70vh, 520px)", fallback=drawn_here)
        st.caption(f"{words.plain(entry.name)}, recorded as {words.plain(entry.label)}.")
        if st.button("Open on the Review page", icon=":material/radiology:", key=f"open-{key}"):
            review(found, entry, card.system)


def review(found: Shown, entry: Entry, system: str) -> None:
    """Open a picture, among the other slices of its patient, as the current case of the Review page."""
    study, series, place = found.pictures.study(entry)
    declared = systems.system(system)
    case = cases.open_case(study, Match(declared.name, series, f"from the data set {found.pictures.name}", True))
    case.chosen_slices[series] = place
    st.query_params.pop("sample", None)
    st.switch_page(routes.REVIEW)
