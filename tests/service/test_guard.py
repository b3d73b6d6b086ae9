"""Who gets in, from where, how large and how often."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from typing import Any

import pytest

from core.background import Job
from core.errors import OverreadError
from core.imaging import read
from core.review import Role, Scope
from core.systems import Match
from dashboard.service import kept as kept_module
from dashboard.service.kept import Kept, KeptReview, KeptStudy
from dashboard.service.limits import Places, Rate
from dashboard.service.problems import TooManyError
from tests.review import archive_kit
from tests.service import kit


class Clock:
    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


def test_without_sign_in_this_machine_needs_no_token_and_others_do(service: kit.Service) -> None:
    service.signed[0] = False
    assert service.client().get("/v1/systems").status_code == 200
    away = service.client(client=("203.0.113.7", 5))
    assert away.get("/v1/systems").status_code == 401
    token = service.store.make_token(1, "from elsewhere", [Scope.MODELS])[1]
    assert service.client(token, client=("203.0.113.7", 5)).get("/v1/systems").status_code == 200
    service.signed[0] = True
    told = service.client().get("/v1/systems")
    assert (told.status_code, told.headers["WWW-Authenticate"]) == (401, "Bearer")
    # nobody is the local user while people sign in
    assert service.client(token).get("/v1/systems").status_code == 401


@pytest.mark.parametrize("header", ["", "Basic YTpi", "Bearer", "Bearer nonsense", "Bearer overread_" + "A" * 43])
def test_a_wrong_token_is_told_as_one(service: kit.Service, header: str) -> None:
    told = service.client().get("/v1/systems", headers={"Authorization": header})
    assert (told.status_code, told.headers["content-type"]) == (401, "application/problem+json")
    assert "Records" in told.json()["remedy"]


def test_tokens_tried_in_vain_are_counted(service: kit.Service) -> None:
    service.shared.failures.per_minute = 3
    client = service.client("overread_wrong")
    assert [client.get("/v1/systems").status_code for _ in range(4)] == [401, 401, 401, 429]


def test_a_revoked_token_opens_nothing(service: kit.Service) -> None:
    token = service.token(Role.REVIEWER)
    client = service.client(token)
    assert client.get("/v1/systems").status_code == 200
    service.store.revoke_token(1, service.store.tokens(1)[0].id or 0)
    assert client.get("/v1/systems").status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 400),
        ({"Host": "localhost.evil.example:8501"}, 400),
        ({"Host": "localhost:8501"}, 200),
        ({"Host": "[::1]:8501"}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
    ],
)
def test_other_addresses_and_other_pages_get_nothing(
    service: kit.Service, headers: dict[str, str], status: int
) -> None:
    service.signed[0] = False
    assert service.client().get("/v1/systems", headers=headers).status_code == status


def test_a_named_host_is_answered_but_takes_a_token(service: kit.Service) -> None:
    named = kit.service(service.store, hosts=frozenset({"scans.hospital.test"}))
    named.signed[0] = False
    away = named.client(base_url="http://scans.hospital.test")
    assert away.get("/v1/systems").status_code == 401
    assert away.get("/health").status_code == 200


def test_every_answer_has_a_number_and_is_not_kept(service: kit.Service) -> None:
    client = service.client()
    for path in ("/health", "/v1/systems", "/nothing"):
        told = client.get(path)
        assert len(told.headers["X-Request-ID"]) == 16
        assert told.headers["Cache-Control"] == "no-store"
        if told.status_code >= 400:
            assert told.json()["request_id"] == told.headers["X-Request-ID"]


def test_sizes_are_limited_with_and_without_a_word_about_them(service: kit.Service) -> None:
    small = kit.service(service.store, upload_mib=1)
    client = small.client(small.token(Role.REVIEWER))
    large = archive_kit.image(0.5, 1) + b"\0" * (1 << 20)
    told = client.post("/v1/studies", files=[("files", ("a.png", large))])
    assert (told.status_code, told.json()["type"]) == (413, "urn:overread:problem:too-large")
    form = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n' + large + b"\r\n--x--\r\n"
    pieces = (form[i : i + 65536] for i in range(0, len(form), 65536))
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    assert client.post("/v1/studies", content=pieces, headers=headers).status_code == 413
    assert client.post("/v1/archives", content=b"[" * (1 << 21)).status_code == 413


def test_an_upload_never_touches_the_disk(service: kit.Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def rolled(_: object) -> None:
        raise AssertionError("the upload went to the disk")

    monkeypatch.setattr("tempfile.SpooledTemporaryFile.rollover", rolled)
    name, data = kit.png()
    client = service.client(service.token(Role.REVIEWER))
    kit.given(client, (name, data), ("notes.bin", b"\1" * (3 << 20)))


def test_too_many_requests_say_when_to_come_again(service: kit.Service) -> None:
    slow = kit.service(service.store, api_per_minute=3)
    client = slow.client(slow.token(Role.REVIEWER))
    told = [client.get("/v1/systems") for _ in range(4)]
    assert [one.status_code for one in told] == [200, 200, 200, 429]
    assert 1 <= int(told[-1].headers["Retry-After"]) <= 21


def test_a_bucket_fills_again() -> None:
    clock = Clock()
    rate = Rate(60, clock)
    for _ in range(60):
        rate.take("a")
    with pytest.raises(TooManyError) as error:
        rate.take("a")
    assert error.value.seconds == 2  # one second, rounded up past the half
    rate.take("b")
    clock.time += 1.0
    rate.take("a")
    with pytest.raises(TooManyError):
        rate.take("a")


def test_places_are_given_back() -> None:
    places = Places(3, 2, "full", 5)
    with places.one(1), places.one(1):
        with pytest.raises(TooManyError), places.one(1):
            pass
        with (
            places.one(2),
            pytest.raises(TooManyError),
            places.one(3),
        ):  # the third place is for others, then all are taken
            pass
    with places.one(3), places.one(1), places.one(1):
        pass


def test_the_queue_of_reviews_is_bounded(service: kit.Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_module, "MOST_OF_ONE", 2)
    service.engine.seconds = 5.0
    client = service.client(service.token(Role.REVIEWER))
    studies = [kit.given(client, kit.png(0.5, number))["id"] for number in range(3)]
    told = [client.post(f"/v1/studies/{study}/reviews", json={}) for study in studies]
    assert [one.status_code for one in told] == [202, 202, 429]
    assert int(told[-1].headers["Retry-After"]) > 0
    again = client.post(f"/v1/studies/{studies[0]}/reviews", json={})
    assert again.json()["id"] == told[0].json()["id"]
    for study in studies:
        assert client.delete(f"/v1/studies/{study}").status_code == 204


def _kept(owner: int) -> KeptStudy:
    return KeptStudy(owner, read([kit.png()]), Match(None, 0, "none"), None, 0)


def test_studies_are_let_go_after_a_while_and_where_memory_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    kept = Kept(60, clock)
    first = kept.add(_kept(1))
    clock.time += 50
    kept.study(1, first.id)
    clock.time += 50
    second = kept.add(_kept(1))
    assert [one.id for one in kept.of(1)] == [second.id, first.id]
    clock.time += 30
    assert [one.id for one in kept.of(1)] == [second.id]
    with pytest.raises(OverreadError, match="let go"):
        kept.study(1, first.id)
    with pytest.raises(OverreadError):
        kept.study(2, second.id)
    monkeypatch.setattr(kept_module, "MOST_BYTES", 2 * second.nbytes)
    kept.idle_seconds = 600
    clock.time += kept_module.IN_HAND_SECONDS
    third, fourth = kept.add(_kept(2)), kept.add(_kept(2))
    assert (kept.of(1), [one.id for one in kept.of(2)]) == ([], [third.id, fourth.id])


def test_a_study_in_use_does_not_go_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as are kept at once, all in hand: the next one is told to wait, and nothing is lost."""
    monkeypatch.setattr(kept_module, "MOST_STUDIES", 2)
    clock = Clock()
    kept = Kept(600, clock)
    first, second = kept.add(_kept(1)), kept.add(_kept(1))
    with pytest.raises(TooManyError):
        kept.add(_kept(1))
    assert {one.id for one in kept.of(1)} == {first.id, second.id}
    kept.add(_kept(2))  # another caller's are counted apart
    clock.time += kept_module.IN_HAND_SECONDS + 1
    begun = threading.Event()
    running = Job(lambda _: begun.wait(60), name="test")
    first.reviews["a"] = KeptReview(first, "brain-mr", 0, running)  # type: ignore[arg-type]
    running.start()
    third = kept.add(_kept(1))
    assert {one.id for one in kept.of(1)} == {first.id, third.id}
    assert kept.drop_oldest(1, but=third) is False
    begun.set()


def test_who_was_told_to_come_again_for_a_review_finds_its_study(
    service: kit.Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many others send studies meanwhile; once it has its review, it is as all the others."""
    monkeypatch.setattr(kept_module, "MOST_STUDIES", 1)
    monkeypatch.setattr(kept_module, "MOST_OF_ONE", 0)
    clock = Clock()
    service.shared.kept._clock = clock
    client = service.client(service.token(Role.REVIEWER))
    study = kit.given(client, kit.png())["id"]
    another = [("files", kit.png(0.5, 7))]
    assert client.post(f"/v1/studies/{study}/reviews", json={}).status_code == 429
    clock.time += 5 * kept_module.IN_HAND_SECONDS
    refused = client.post("/v1/studies", files=another)
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
    monkeypatch.setattr(kept_module, "MOST_OF_ONE", 1)
    assert client.post(f"/v1/studies/{study}/reviews", json={}).status_code == 202
    for one in service.shared.kept._reviews():
        one.job.join(30)
    clock.time += kept_module.IN_HAND_SECONDS + 1
    assert client.post("/v1/studies", files=another).status_code == 201
    assert client.get(f"/v1/studies/{study}").status_code == 404


def test_a_long_review_and_a_long_answer_leave_time_for_the_next_request(
    service: kit.Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Time passes while a review is made, and while its report is: the study stays, and its idle time begins after."""
    monkeypatch.setattr(kept_module, "MOST_STUDIES", 1)
    clock, late = Clock(), kept_module.IN_HAND_SECONDS + 1
    kept = service.shared.kept
    kept._clock = clock
    client = service.client(service.token(Role.REVIEWER))
    study = kit.given(client, kit.png())["id"]
    another = [("files", kit.png(0.5, 7))]

    def slow(act: Any) -> Any:
        def later(*args: Any, **more: Any) -> Any:
            clock.time += late
            assert client.post("/v1/studies", files=another).status_code == 429
            return act(*args, **more)

        return later

    monkeypatch.setattr(service.engine, "review", slow(service.engine.review))
    review = client.post(f"/v1/studies/{study}/reviews", json={}).json()["id"]
    (job,) = [one.job for one in kept._reviews()]
    job.join(30)
    assert client.post("/v1/studies", files=another).status_code == 429
    monkeypatch.setattr("dashboard.service.routers.results.case_csv", slow(lambda _: b"made"))
    assert client.get(f"/v1/reviews/{review}/report.csv").content == b"made"
    assert client.post("/v1/studies", files=another).status_code == 429
    assert client.get(f"/v1/reviews/{review}").json()["state"] == "done"
    clock.time += late
    assert client.post("/v1/studies", files=another).status_code == 201
    assert client.get(f"/v1/reviews/{review}").status_code == 404


def test_an_unexpected_failure_tells_nothing_and_logs_no_message(
    service: kit.Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    named = "Quillwort^Zebedee"

    def broken(*_: Any) -> None:
        raise RuntimeError(named)

    monkeypatch.setattr(service.engine, "states", broken)
    caplog.set_level(logging.DEBUG)
    told = service.client(service.token(Role.REVIEWER)).get("/v1/systems/brain-mr/models")
    assert (told.status_code, told.headers["content-type"]) == (500, "application/problem+json")
    assert "Quillwort" not in told.text + caplog.text
    assert told.headers["X-Request-ID"] in caplog.text


def test_the_reference_fetches_nothing(service: kit.Service) -> None:
    page = service.client().get("/docs")
    assert page.status_code == 200
    assert not [bad for bad in ("<script", "http://", "https://", "src=", "@import", "url(") if bad in page.text]
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert all(path in page.text for path in service.app.openapi()["paths"])


def test_nothing_of_the_service_is_loaded_before_it_is_asked() -> None:
    code = (
        "import sys; from dashboard.service import mount; "
        "print([r.path for r in mount.routes('/base/')], [m for m in ('fastapi', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (
        done.stdout.strip() == "['/base/api', '/base/predict/', '/base/predict', '/base/model-info', '/base/health'] []"
    )
