"""Packages read from lock files written by hand."""

from __future__ import annotations

import base64
import hashlib
import json
from importlib.metadata import version
from pathlib import Path

import pytest

from core.errors import ProofError
from core.proof.bill import bill
from core.proof.graph import needs
from core.proof.packages import bundled, installed

ONE, TWO, THREE = (letter * 64 for letter in "abc")


def _lock(tmp_path: Path, run: str) -> Path:
    file = tmp_path / "requirements.txt"
    file.write_text(f"# head\n\n# == run: x ==\n{run}\n# == train: y ==\npytest==1.0 \\\n    --hash=sha256:{THREE}\n")
    return file


def test_only_the_installed_version_has_hashes(tmp_path: Path) -> None:
    here = version("numpy")
    run = (
        f"NumPy=={here} ; python_full_version < '3.12' \\\n    --hash=sha256:{TWO} \\\n    --hash=sha256:{ONE}\n"
        f"numpy==99 ; python_full_version >= '3.12' \\\n    --hash=sha256:{THREE}\n"
        f"no-such-distribution==1 ; sys_platform == 'win32' \\\n    --hash=sha256:{THREE}\n"
        f"scipy==0.0.1 \\\n    --hash=sha256:{THREE}"
    )
    numpy, scipy = installed(_lock(tmp_path, run))
    assert (numpy.name, numpy.version, numpy.hashes) == ("numpy", here, (ONE, TWO))
    assert (scipy.version, scipy.hashes, scipy.locked) == (version("scipy"), (), ("0.0.1",))
    first, second = bill("1", [numpy, scipy], [], {})["components"]
    assert [one["content"] for one in first["externalReferences"][0]["hashes"]] == [ONE, TWO]
    assert "externalReferences" not in second
    assert second["properties"] == [{"name": "overread:locked-version", "value": "0.0.1"}]


def test_a_copy_that_another_package_carries_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Ray and setuptools put their own copies on the search path when they are imported."""
    lock = tmp_path / "requirements.txt"
    lock.write_text(f"# == run: what it takes to run\nnumpy=={version('numpy')}\ncarried==1.0\n", encoding="utf-8")
    carried = tmp_path / "_vendor" / "carried-1.0.dist-info"
    carried.mkdir(parents=True)
    (carried / "METADATA").write_text("Metadata-Version: 2.1\nName: carried\nVersion: 1.0\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(carried.parent))
    assert version("carried") == "1.0"
    assert [package.name for package in installed(lock)] == ["numpy"]


def test_a_lock_file_of_nothing_installed_is_told(tmp_path: Path) -> None:
    with pytest.raises(ProofError, match=r"No package .* is installed. Install them"):
        installed(_lock(tmp_path, f"no-such-distribution==1 \\\n    --hash=sha256:{ONE}"))
    with pytest.raises(ProofError, match="cannot be read"):
        installed(tmp_path / "missing.txt")


def test_the_clients_packages_leave_out_the_tools_of_its_building(tmp_path: Path) -> None:
    digest = hashlib.sha512(b"archive")
    integrity = f"sha512-{base64.b64encode(digest.digest()).decode()}"
    entries = {
        "": {"name": "client", "version": "0"},
        "node_modules/@a/b": {"version": "1.2.3", "license": "MIT", "integrity": integrity},
        "node_modules/c/node_modules/d": {"version": "4.0.0"},
        "node_modules/bundler": {"version": "9.0.0", "license": "MIT", "dev": True},
    }
    file = tmp_path / "package-lock.json"
    file.write_text(json.dumps({"lockfileVersion": 3, "packages": entries}))
    scoped, inner = bundled(file)
    assert (scoped.purl, scoped.licence, scoped.hashes) == ("pkg:npm/%40a/b@1.2.3", "MIT", (digest.hexdigest(),))
    assert (inner.purl, inner.licence, inner.spdx) == ("pkg:npm/d@4.0.0", "not stated", False)
    file.write_text("{}")
    with pytest.raises(ProofError, match="cannot be read"):
        bundled(file)


def test_extras_count_where_something_that_counts_asks_for_them() -> None:
    declared = {
        "overread": ["A.b[fast] >= 1", "absent"],
        "a-b": ["c[deep]; extra == 'fast'", "d; extra == 'slow'", "e; python_version < '3'"],
        "c": ["d; extra == 'deep'", "C"],
    }
    found = needs(["a-b", "c", "d", "e"], lambda name: declared.get(name, []))
    assert found == {"overread": ("a-b",), "a-b": ("c",), "c": ("d",), "d": (), "e": ()}
