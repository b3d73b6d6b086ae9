"""Overread over HTTP from Python; in the installed package it is ``overread.client`` and needs nothing but httpx.

from overread.client import Client

with Client("http://localhost:8501", token="overread_...") as overread:
    study = overread.give("scan.dcm")
    review = overread.review(study)
    print(overread.result(review)["agreement"])
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, NotRequired, Self, TypedDict, cast

import httpx

File = str | Path | tuple[str, bytes]
JsonObject = dict[str, Any]
RETRIES = 8
IDLE_SECONDS = 2.0  # after which a connection is closed on this side


class System(TypedDict):
    """One kind of image, and what is asked about it."""

    name: str
    title: str
    summary: str
    modalities: list[str]
    projection: str
    classes: list[str]
    positive: list[str]
    finding: str
    clear: str
    scope: str
    models: list[str]


class Model(TypedDict):
    """One model; ``card`` is null where it has no weights; ``instead`` says why an export answers for the weights."""

    system: str
    name: str
    title: str
    role: str
    status: str
    reason: str
    card: JsonObject | None
    answers_from: str | None
    instead: str


class Series(TypedDict):
    """One stack of images."""

    number: int
    key: str
    description: str
    modality: str
    unit: str
    slices: int
    rows: int
    columns: int
    spacing_mm: list[float] | None
    projection: str
    windows: list[str]
    notes: list[str]


class Study(TypedDict):
    """One upload, or a case of the store that was opened."""

    id: str
    name: str
    sha256: str
    source: str
    simulated: bool
    case: int | None
    system: str | None
    reason: str
    series_number: int
    series: list[Series]
    problems: list[str]
    dropped_tags: list[str]


class Review(TypedDict):
    """A review: how far it is."""

    id: str
    study: str
    system: str
    series: int
    state: Literal["running", "done", "stopped", "failed"]
    model: str
    fraction: float
    error: str


class Opinion(TypedDict):
    """An opinion to lock, and a locked one."""

    stage: Literal["blind", "final", "open"]
    finding: bool
    confidence: int
    seconds: float
    label: NotRequired[str | None]
    comment: NotRequired[str]
    marks: NotRequired[list[JsonObject]]
    case: NotRequired[int]
    reader: NotRequired[int]
    locked_at: NotRequired[str]


class Measurement(TypedDict):
    """One measurement: ``slice`` from 0, ``points`` as column and row of pixel centres."""

    id: str
    kind: Literal["length", "angle", "rectangle", "ellipse", "freehand"]
    slice: int
    points: list[tuple[float, float]]
    values: JsonObject
    text: str


class Measured(TypedDict):
    """What one reader measured in one series of a case; ``series`` is the key of an opened case's series."""

    case: int
    reader: int
    series: str
    measurements: list[Measurement]


class ProblemError(Exception):
    """The server's answer where it has no result.

    Attributes:
        status: of the answer. kind: of the problem, as ``blind`` or ``too-large``. detail, remedy: for people.
        request_id: names the request in the server's log. retry_after: seconds, where it may be asked again.
    """

    def __init__(self, answer: httpx.Response) -> None:
        try:
            told = answer.json()
        except ValueError:
            told = {}
        told = told if isinstance(told, dict) else {}
        self.status = answer.status_code
        self.kind = str(told.get("type", "")).rpartition(":")[2]
        self.detail = str(told.get("detail", answer.reason_phrase))
        self.remedy = str(told.get("remedy", ""))
        self.request_id = str(told.get("request_id", ""))
        self.retry_after = float(answer.headers.get("Retry-After", 0))
        super().__init__(f"{self.detail} {self.remedy}".strip())


class Client:
    """One server.

    Args:
        address: of the server, as ``http://localhost:8501``. token: from the page Records, Tokens.
        patient: wait and ask again where the server is busy (429), up to eight times.
        transport: how requests travel, for tests. timeout: seconds for one answer.
    """

    def __init__(
        self,
        address: str = "http://localhost:8501",
        token: str | None = None,
        *,
        patient: bool = True,
        transport: httpx.BaseTransport | None = None,
        timeout: float = 300.0,
    ) -> None:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        base = f"{address.rstrip('/')}/api"
        # The server closes a connection that nobody used for five seconds. Who asks at that very moment hears nothing.
        limits = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=IDLE_SECONDS)
        self._http = httpx.Client(base_url=base, headers=headers, transport=transport, timeout=timeout, limits=limits)
        self._patient = patient

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def health(self) -> JsonObject:
        """Whether the server answers."""
        return cast(JsonObject, self._json("GET", "/health"))

    def systems(self) -> list[System]:
        """All systems."""
        return cast(list[System], self._json("GET", "/v1/systems"))

    def models(self, system: str) -> list[Model]:
        """A system's models with their cards."""
        return cast(list[Model], self._json("GET", f"/v1/systems/{system}/models"))

    def evidence(self, system: str, table: str = "performance", split: str = "test") -> JsonObject:
        """A table of figures with their intervals."""
        return cast(JsonObject, self._json("GET", f"/v1/systems/{system}/evidence/{table}", params={"split": split}))

    # studies and reviews

    def give(self, *files: File) -> Study:
        """Give images: paths, or names with bytes."""
        return cast(Study, self._json("POST", "/v1/studies", files=_parts("files", files)))

    def studies(self) -> list[Study]:
        """Your studies, the latest first."""
        return cast(list[Study], self._json("GET", "/v1/studies"))

    def drop(self, study: Study) -> None:
        """Let a study go."""
        self._ask("DELETE", f"/v1/studies/{study['id']}")

    def picture(self, study: Study, series: int = 0, index: int = 0, **shown: Any) -> bytes:
        """A slice as PNG. ``window`` names one of the series' windows; or ``centre`` and ``width``; ``side`` pixels."""
        return self._ask("GET", f"/v1/studies/{study['id']}/series/{series}/slices/{index}", params=shown).content

    def begin(self, study: Study, system: str | None = None, series: int | None = None) -> Review:
        """Begin a review; by default of the series and by the system that fit."""
        asked = {"system": system, "series": series}
        return cast(Review, self._json("POST", f"/v1/studies/{study['id']}/reviews", json=asked))

    def follow(self, review: Review) -> Iterator[Review]:
        """How far a review is, each time that changes, to its end."""
        with self._http.stream("GET", f"/v1/reviews/{review['id']}/events") as answer:
            if answer.is_error:
                answer.read()
                raise ProblemError(answer)
            for line in answer.iter_lines():
                if line.startswith("data: "):
                    yield cast(Review, json.loads(line.removeprefix("data: ")))

    def review(self, study: Study, system: str | None = None, series: int | None = None) -> Review:
        """Begin a review and wait for its end. Raises ``RuntimeError`` where it failed or was stopped."""
        *_, last = self.follow(self.begin(study, system, series))
        if last["state"] != "done":
            raise RuntimeError(last["error"] or f"The review is {last['state']}.")
        return last

    def result(self, review: Review) -> JsonObject:
        """Everything the models say, in the form of docs/schema/review-record.schema.json."""
        return cast(JsonObject, self._json("GET", f"/v1/reviews/{review['id']}/result"))

    def overrule(self, review: Review, reason: str) -> None:
        """Have the answers although the wrong-image gate stopped the image; it is recorded with your number."""
        self._ask("POST", f"/v1/reviews/{review['id']}/overrule", json={"reason": reason})

    def mask(self, review: Review, model: str, index: int) -> bytes:
        """A model's mask of a slice as PNG, on the image's grid."""
        return self._ask("GET", f"/v1/reviews/{review['id']}/models/{model}/slices/{index}/mask").content

    def heat_map(self, review: Review, model: str, index: int, **how: str) -> bytes:
        """Where a model looked, as PNG on the image's grid; ``target`` and ``method`` as the reference says."""
        return self._ask(
            "GET", f"/v1/reviews/{review['id']}/models/{model}/slices/{index}/heat-map", params=how
        ).content

    def report(self, review: Review, kind: Literal["pdf", "json", "csv"] = "pdf") -> bytes:
        """The report of a series."""
        return self._ask("GET", f"/v1/reviews/{review['id']}/report.{kind}").content

    def dicom(self, review: Review, *, probabilities: bool = False) -> bytes:
        """Segmentations, structured reports and captures of a DICOM study, as a zip; Parametric Maps where asked."""
        asked = {"probabilities": str(probabilities).lower()}
        return self._ask("GET", f"/v1/reviews/{review['id']}/dicom.zip", params=asked).content

    # archives and cases

    def archives(self) -> list[JsonObject]:
        """All archives."""
        return cast(list[JsonObject], self._json("GET", "/v1/archives"))

    def worklist(self, archive: int, system: str, first: int = 0, most: int = 100) -> JsonObject:
        """Cases in the order they should be read."""
        asked: dict[str, Any] = {"system": system, "first": first, "most": most}
        return cast(JsonObject, self._json("GET", f"/v1/archives/{archive}/worklist", params=asked))

    def case(self, case: int) -> JsonObject:
        """One case as you may see it."""
        return cast(JsonObject, self._json("GET", f"/v1/cases/{case}"))

    def open_case(self, case: int) -> Study:
        """A case's images, as a study to look at and to be reviewed."""
        return cast(Study, self._json("POST", f"/v1/cases/{case}/study"))

    def lock(self, case: int, opinion: Opinion) -> Opinion:
        """Lock an opinion for good."""
        return cast(Opinion, self._json("POST", f"/v1/cases/{case}/opinions", json=opinion))

    def measurements(self, case: int) -> list[Measured]:
        """What was measured in a case: by you, and by others once you may see the opinions that it belongs to."""
        return cast(list[Measured], self._json("GET", f"/v1/cases/{case}/measurements"))

    # how

    def _json(self, method: str, path: str, **more: Any) -> Any:
        return self._ask(method, path, **more).json()

    def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        for attempt in range(RETRIES + 1):
            answer = self._http.request(method, path, **more)
            if answer.status_code != 429 or not self._patient or attempt == RETRIES:
                break
            time.sleep(float(answer.headers.get("Retry-After", 1)))
        if answer.is_error:
            raise ProblemError(answer)
        return answer


def _parts(field: str, files: Sequence[File]) -> list[tuple[str, tuple[str, bytes]]]:
    """Files as a form takes them."""
    loaded = ((Path(one).name, Path(one).read_bytes()) if isinstance(one, (str, Path)) else one for one in files)
    return [(field, one) for one in loaded]
