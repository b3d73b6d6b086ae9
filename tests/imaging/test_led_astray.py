"""Names within files that lead out of a folder lead nowhere: weaknesses that others had, by harmless files."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, MediaStorageDirectoryStorage

from core.errors import OverreadError
from core.imaging import read
from dashboard.service.node.spool import Spool
from tests.imaging.builders import dataset, noise, picture, to_bytes

OUT = ("../../outside", "/etc/passwd", "..\\outside", "a/../../outside")


def _index(*names: str) -> bytes:
    """A DICOMDIR whose one record names a file."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = MediaStorageDirectoryStorage, ExplicitVRLittleEndian
    meta.MediaStorageSOPInstanceUID = UID("1.2.3")
    index, record = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128), Dataset()
    record.DirectoryRecordType, record.ReferencedFileID = "IMAGE", list(names)
    index.DirectoryRecordSequence = [record]
    out = io.BytesIO()
    pydicom.dcmwrite(out, index)
    return out.getvalue()


def test_what_an_index_names_is_not_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "within").mkdir()
    (tmp_path / "SECRET").write_bytes(picture(np.full((64, 64), 90, np.uint8)))
    monkeypatch.chdir(tmp_path / "within")
    with pytest.raises(OverreadError, match="only an index"):
        read([("DICOMDIR", _index("..", "SECRET"))])
    study = read([("DICOMDIR", _index("..", "SECRET")), ("a.png", picture(np.full((32, 32), 9, np.uint8)))])
    assert [series.shape for series in study.series] == [(32, 32)]


@pytest.mark.parametrize("name", OUT)
@pytest.mark.parametrize("tag", ["SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"])
def test_a_received_image_lies_where_the_node_puts_it(tmp_path: Path, tag: str, name: str) -> None:
    header = dataset(noise(16, 16))
    with pydicom.config.disable_value_validation():
        setattr(header, tag, name)
        header.file_meta.MediaStorageSOPInstanceUID = UID(name)
        data = to_bytes(header)
    Spool(tmp_path / "deep" / "spool").keep(data)
    inbox = tmp_path / "deep" / "spool" / "inbox"
    kept = set(tmp_path.rglob("*.dcm"))
    assert len(kept) == 1
    assert all(path.resolve().is_relative_to(inbox) for path in kept)
