"""The evidence pack against the schema of its bill, ``openssl``, and figures taken from the files themselves."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from license_expression import get_spdx_licensing
from packageurl import PackageURL

from core import places
from core.errors import ModelUnavailableError, ProofError
from core.proof.models import models
from core.proof.pack import Sources, write
from core.proof.signing import load_key

MODELS = ("breast-mri/efficientnet-lite0", "pet/unet", "router")
CARD_ONLY = "breast-mri/vgg16"
CLIENTS = tuple(
    places.HOME / room / "package-lock.json" for room in ("dashboard/viewer", "trainers/exporting/demonstrator")
)
BILL = "sbom.cdx.json"


def _openssl(*words: str) -> int:
    return subprocess.run(["openssl", *words], capture_output=True, check=False).returncode


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("key") / "key.pem"
    assert _openssl("genpkey", "-algorithm", "ed25519", "-out", str(file)) == 0
    return file


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    for name in (*MODELS, CARD_ONLY):
        (folder / name).mkdir(parents=True)
        for file in ("card.json", "weights.safetensors"):
            if (name, file) != (CARD_ONLY, "weights.safetensors"):
                shutil.copyfile(places.WEIGHTS / name / file, folder / name / file)
    return folder


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory, weights: Path, key: Path) -> Path:
    """Made by the command, in a process with another order of sets, time zone and folder than this one."""
    out = tmp_path_factory.mktemp("filed") / "deep" / "pack"
    environment = os.environ | {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "PYTHONPATH": str(places.HOME)}
    words = ["evidence-pack", str(out), "--key", str(key), "--weights", str(weights)]
    done = subprocess.run(
        [sys.executable, "-m", "dashboard.command", *words],
        cwd=out.parents[1],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "signed" in done.stdout
    return out


@pytest.fixture(scope="module")
def bill(pack: Path) -> dict[str, Any]:
    return dict(json.loads((pack / BILL).read_text(encoding="utf-8")))


def _files(folder: Path) -> dict[str, str]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def test_built_again_it_has_the_same_bytes(pack: Path, weights: Path, key: Path, tmp_path: Path) -> None:
    write(tmp_path / "again", Sources(weights, places.LOCK, CLIENTS), load_key(key))
    assert _files(tmp_path / "again") == _files(pack)


def test_the_manifest_holds_the_hash_of_every_other_file(pack: Path) -> None:
    told = json.loads((pack / "manifest.json").read_text())["files"]
    found = _files(pack)
    assert found.keys() - told.keys() == {"manifest.json", "manifest.sig"}
    assert told == {name: found[name] for name in told}
    assert {"README.md", "LICENSE", BILL, "licences.csv", "documents/SECURITY.md", "data/brain-lgg.md"} <= told.keys()
    assert {"vex.cdx.json", "documents/mds2.md", "documents/accessibility.md"} <= told.keys()


def test_figures_say_when_where_and_of_what_they_are(pack: Path) -> None:
    told = json.loads((pack / "documents" / "figures.json").read_text(encoding="utf-8"))
    assert {"kills", "restore", "damaged_input"} <= told.keys()
    for one in told.values():
        assert date.fromisoformat(one["date"])
        assert re.fullmatch(r"[0-9a-f]{40}", one["commit"]), "made with changes that no commit holds"
        assert one["machine"]["processor"]
        assert one["command"].startswith(("python -m tests.", "make "))
    assert told["restore"]["figures"]["whole"] is True
    assert all(kind["kept"] == kind["acknowledged"] for kind in told["kills"]["figures"].values())


def test_openssl_takes_the_signature_and_refuses_it_for_another_manifest(pack: Path, tmp_path: Path) -> None:
    def verified(manifest: Path) -> bool:
        words = ("-verify", "-pubin", "-inkey", str(pack / "signer.pub.pem"), "-rawin", "-in", str(manifest))
        return _openssl("pkeyutl", *words, "-sigfile", str(pack / "manifest.sig")) == 0

    assert verified(pack / "manifest.json")
    altered = tmp_path / "manifest.json"
    altered.write_bytes((pack / "manifest.json").read_bytes().replace(b"SHA-256", b"SHA-512"))
    assert not verified(altered)


def test_the_bill_is_valid_cyclonedx(bill: dict[str, Any]) -> None:
    schema = JsonStrictValidator(SchemaVersion.V1_6)
    error = schema.validate_str(json.dumps(bill))
    assert error is None, str(error)[:500]
    assert schema.validate_str(json.dumps(bill | {"made": "today"})) is not None
    known = {part["bom-ref"] for part in bill["components"]}
    assert len(known) == len(bill["components"])  # the standard asks for it; its schema cannot
    used = [part["modelCard"]["modelParameters"]["datasets"] for part in bill["components"] if "modelCard" in part]
    assert {data["ref"] for one in used for data in one} <= known


def test_the_vex_is_valid_and_speaks_of_the_same_program(pack: Path, bill: dict[str, Any]) -> None:
    vex = json.loads((pack / "vex.cdx.json").read_text(encoding="utf-8"))
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(vex))
    assert error is None, str(error)[:500]
    own = ("bom-ref", "name", "version")
    assert [vex["metadata"]["component"][n] for n in own] == [bill["metadata"]["component"][n] for n in own]


def test_weights_are_components_with_the_hash_of_their_file(bill: dict[str, Any], weights: Path) -> None:
    found = {part["name"]: part for part in bill["components"] if part["type"] == "machine-learning-model"}
    assert found.keys() == set(MODELS)
    for name, part in found.items():
        content = (weights / name / "weights.safetensors").read_bytes()
        assert part["hashes"] == [{"alg": "SHA-256", "content": hashlib.sha256(content).hexdigest()}]
        card = json.loads((weights / name / "card.json").read_text())
        licence = part["licenses"][0]["license"]["name"]
        assert all(f"{used['name']}: {used['licence']}" in licence for used in card["data"])
        figures = part["modelCard"]["quantitativeAnalysis"]["performanceMetrics"] if card["metrics"] else []
        assert {one["type"]: float(one["value"]) for one in figures} == {
            metric: told["value"] for metric, told in card["metrics"].items()
        }


def test_weights_are_told_with_the_terms_of_what_they_began_as_and_were_taught_by() -> None:
    """breast-mri/resnet18 learnt from breast images alone, from a network of brain slices that are not for sale."""
    told = {model.name: model.licence for model in models(places.WEIGHTS)}
    for name in ("breast-mri/resnet18", "breast-mri/resnet50", "chest-ct/resnet50"):
        assert "trained on brain-lgg: CC BY-NC-SA 4.0" in told[name].partition("initial weights")[2], name
    assert "through brain-type/unet-lite0: trained on brain-brisc: CC BY 4.0" in told["pet/unet-lite0"]
    assert "through brain-type/unet-lite0-second, of which no card is here" in told["pet/unet-lite0"]
    assert "through pet/unet-lite0: trained on pet-mip" in told["pet/resnet34"]  # a teacher's
    assert "through an earlier version of itself" in told["pet/unet"]
    assert all("Apache-2.0" in told[name] for name in ("breast-mri/efficientnet-lite0", "router"))
    assert told["brain-mr/unet"].endswith("initial weights: scratch")


def test_overread_needs_all_that_the_lock_file_resolved_for_it(bill: dict[str, Any]) -> None:
    """uv found the run group from the same requirements by itself: nothing in it may be out of their reach."""
    needed = {one["ref"]: one["dependsOn"] for one in bill["dependencies"]}
    reached, ahead = set(), ["overread"]
    while ahead:
        here = ahead.pop()
        if here not in reached:
            reached.add(here)
            ahead += needed[here]
    packages = {part["bom-ref"] for part in bill["components"] if part["bom-ref"].startswith("pkg:pypi/")}
    assert reached == packages | {"overread"}


def test_package_urls_and_licence_expressions_hold(bill: dict[str, Any]) -> None:
    licensing = get_spdx_licensing()
    packages = [part for part in bill["components"] if part["type"] == "library"]
    names = {part["name"] for part in packages}
    assert {"torch", "streamlit", "cryptography", "@cornerstonejs/core", "onnxruntime-web"} <= names
    assert not {"pytest", "mypy", "cyclonedx-python-lib", "esbuild"} & names
    for part in packages:
        url = PackageURL.from_string(part["purl"])
        assert url.to_string() == part["purl"]
        assert (f"{url.namespace}/{url.name}" if url.namespace else url.name, url.version) == (
            part["name"],
            part["version"],
        )
        for licence in part.get("licenses", ()):
            if "expression" in licence:
                # LicenseRef-... is SPDX's way to name a licence of one's own, in no list.
                listed = re.sub(r"LicenseRef-[\w.-]+", "MIT", licence["expression"])
                assert licensing.validate(listed).errors == [], part["name"]


def test_licences_name_every_package_model_and_data_set(pack: Path, bill: dict[str, Any]) -> None:
    with (pack / "licences.csv").open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    assert all(row["licence"] for row in rows)
    named = {row["name"] for row in rows if row["kind"].startswith(("package", "weights"))}
    # A name that a spreadsheet would take for a formula has an apostrophe before it: @scope/name of npm.
    wanted = {part["name"] for part in bill["components"] if part["type"] != "data"}
    assert named == {f"'{name}" if name.startswith("@") else name for name in wanted}
    lgg = next(row for row in rows if row["name"] == "brain-lgg")
    assert lgg["licence"].startswith("CC BY-NC-SA 4.0")
    assert {row["name"] for row in rows if row["kind"] == "data set"} == {f.stem for f in (pack / "data").glob("*.md")}


def test_a_card_without_weights_is_filed_and_said_to_be_one(pack: Path, weights: Path) -> None:
    filed = pack / "models" / CARD_ONLY / "card.json"
    assert filed.read_bytes() == (weights / CARD_ONLY / "card.json").read_bytes()
    assert f"only the card is installed, no weights: {CARD_ONLY}." in (pack / "README.md").read_text()


def test_altered_weights_leave_no_pack(weights: Path, tmp_path: Path) -> None:
    spoilt = tmp_path / "weights"
    shutil.copytree(weights / "pet", spoilt / "pet")
    with (spoilt / "pet" / "unet" / "weights.safetensors").open("ab") as handle:
        handle.write(b"\0")
    with pytest.raises(ModelUnavailableError, match="pet/unet is refused"):
        write(tmp_path / "pack", Sources(spoilt, places.LOCK, CLIENTS))
    assert [path.name for path in tmp_path.iterdir()] == ["weights"]


def test_what_exists_is_not_written_over(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(ProofError, match=r"exists already. Name a folder that does not"):
        write(tmp_path, Sources(weights, places.LOCK, CLIENTS))
    assert list(tmp_path.iterdir()) == []


def test_without_a_key_it_says_that_it_is_not_signed(weights: Path, tmp_path: Path) -> None:
    manifest = write(tmp_path / "pack", Sources(weights, places.LOCK, CLIENTS))
    assert "signer.pub.pem" not in manifest
    assert not (tmp_path / "pack" / "manifest.sig").exists()
    assert "This pack is not signed." in (tmp_path / "pack" / "README.md").read_text()


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (("genpkey", "-algorithm", "x25519"), "another kind of key than Ed25519"),
        (("genpkey", "-algorithm", "ed25519", "-aes256", "-pass", "pass:secret"), "has a password"),
        (("rand", "-hex", "20"), "holds no private key in PEM"),
        (None, "cannot be read"),
    ],
)
def test_keys_that_cannot_sign_are_told(made: tuple[str, ...] | None, told: str, tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    if made is not None:
        cut = 1 if made[0] == "rand" else len(made)
        assert _openssl(*made[:cut], "-out", str(file), *made[cut:]) == 0
    with pytest.raises(ProofError, match=told) as error:
        load_key(file)
    assert "openssl" in error.value.remedy
