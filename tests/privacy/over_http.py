"""All that the HTTP interface tells of a store and of files that somebody gives it."""

from __future__ import annotations

from collections.abc import Sequence

from core.review import Store
from tests.review import archive_kit
from tests.service import kit


def told(store: Store, files: Sequence[tuple[str, bytes]]) -> dict[str, bytes]:
    """Bodies and headers of every kind of answer, by address; the DICOM objects, which name the patient, left out."""
    service = kit.service(store)
    service.signed[0] = False
    client = service.client()
    outs: dict[str, bytes] = {}

    def ask(method: str, path: str, **more: object) -> str:
        answer = client.request(method, path, **more)  # type: ignore[arg-type]
        heads = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
        kind = answer.headers.get("content-type", "").partition(";")[0].rpartition("/")[2].rpartition("+")[2]
        outs[f"http {method} {path.replace('/', ' ')}.{kind}"] = answer.content
        outs[f"http {method} {path.replace('/', ' ')}.txt"] = heads.encode()
        return str(answer.json().get("id", "")) if kind == "json" and answer.text.startswith("{") else ""

    for number, given in enumerate((list(files), [(name, b"no image") for name, _ in files])):
        study = ask("POST", f"/v1/studies?{number}", files=[("files", one) for one in given])
        if not study:
            continue
        ask("GET", f"/v1/studies/{study}/series/0/slices/0")
        review = ask("POST", f"/v1/studies/{study}/reviews", json={})
        ask("GET", f"/v1/reviews/{review}/events")
        for part in ("", "/result", "/report.pdf", "/report.json", "/report.csv", "/models/unet/slices/0/mask"):
            ask("GET", f"/v1/reviews/{review}{part}")
        assert outs[f"http GET  v1 reviews {review} report.pdf.pdf"].startswith(b"%PDF")
    ask("POST", "/predict/", files=[("file", files[0])])
    for archive in [one.id for one in store.archives()]:
        for part in ("", "/runs", f"/worklist?system={archive_kit.SYSTEM}", f"/report.csv?system={archive_kit.SYSTEM}"):
            ask("GET", f"/v1/archives/{archive}{part}")
        for case in store.cases(archive or 0):
            ask("GET", f"/v1/cases/{case.id}")
            ask("GET", f"/v1/cases/{case.id}/opinions")
            ask("POST", f"/v1/cases/{case.id}/study")
    for path in ("/v1/studies", "/v1/archives", "/health", "/model-info"):
        ask("GET", path)
    return outs
