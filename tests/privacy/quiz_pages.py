"""What a student's browser is sent by the page Learn, to be compared between schools that differ in the truth alone."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from core import imaging
from core.review import FileRole, Store
from core.teaching.quizzes import ItemDraft
from core.teaching.rules import Source
from dashboard.kit import viewer
from tests.dashboard.readings import head

PAGES = Path(__file__).resolve().parents[2] / "dashboard" / "pages"


def case(store: Store, archive: int, number: int, lesion: bool) -> ItemDraft:
    """A case of an archive with a reference mask: with a lesion, or an empty one."""
    image, mask = head(number), np.zeros((128, 128), np.uint8)
    if lesion:
        mask[40:60, 70:90] = 255
    out = io.BytesIO()
    Image.fromarray(mask).save(out, format="PNG")
    files = [
        ("0001.png", store.put_image(image), len(image), FileRole.IMAGE),
        ("0002_mask.png", store.put_image(out.getvalue()), len(out.getvalue()), FileRole.TRUTH),
    ]
    study = imaging.read([("0001.png", image)])
    label = "tumour" if lesion else "no tumour"
    made, _ = store.add_case(
        1, archive, content_hash=study.sha256, source="a", files=files, system="brain-mr",
        recorded_finding=lesion, recorded_label=label, recorded_text=f"says {label}",
    )  # fmt: skip
    return ItemDraft(Source.CASE, {"case": made.id}, hint="Compare the halves.", note=f"It is {label}.")


class Told:
    """All that pages sent: their elements, and the data of the viewer's pictures."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.heard: list[str] = []

        def heard(**given: Any) -> dict[str, Any]:
            self.heard.append(json.dumps({"key": given.get("key"), "data": given.get("data")}))
            return {}

        monkeypatch.setattr(viewer, "_component", heard)

    def hear(self, app: AppTest) -> None:
        """Take what a run drew."""
        assert not app.exception
        assert not app.error
        self.take(app)

    def take(self, app: AppTest) -> None:
        """Every element as it goes to the browser."""
        waiting: list[Any] = [app._tree]
        while waiting:
            node = waiting.pop()
            self.heard.append(str(getattr(node, "proto", "")))
            waiting += list(getattr(node, "children", {}).values())

    def text(self) -> str:
        """Without what differs between any two runs: moments and how long things took."""
        return re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?", "?", "\n".join(self.heard))


def page(store: Store, user: int, attempt: int | None, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The page Learn of a user, at an attempt."""
    monkeypatch.setenv("OVERREAD_STORE", str(store.images_folder.parent))
    app = AppTest.from_file(str(PAGES / "learn.py"), default_timeout=120)
    app.session_state["person"] = store.user(user)
    app.session_state["viewer-without-webgl"] = True
    if attempt is not None:
        app.query_params["attempt"] = str(attempt)
    return app.run()
