"""What reading takes: within what was counted before anything was decoded; headers that say too much are refused."""

from __future__ import annotations

import gc
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest

from core import memory
from core.errors import LimitExceededError, MemoryFullError
from core.imaging import read
from core.imaging.limits import HEADER_BYTES, KEPT_BYTES, MIB, Limits, UploadLimitError
from tests.imaging import memory_child

COUNT = 24  # slices of 512 x 512: 24 MiB as float32
ROUGHLY = 12 * MIB  # pages, buffers of decoders: the same for a small upload and a large one


@pytest.mark.skipif(sys.platform != "linux", reason="the highest mark of a process is read from /proc")
@pytest.mark.parametrize("kind", ["series", "one file", "colour", "zip", "volume", "pictures", "large"])
def test_a_process_takes_no_more_than_was_counted(kind: str) -> None:
    command = [sys.executable, "-m", memory_child.__name__, kind, str(COUNT)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    counted, taken, slices = map(int, said.split())
    assert slices == (1 if kind == "large" else COUNT)
    assert taken <= counted + ROUGHLY
    assert taken >= COUNT * 512 * 512 * 4 * 0.9  # the mark was taken: at least the pixels themselves are there


def test_a_thousand_slices_fit_the_limit_that_is_declared() -> None:
    pixels = 1000 * 512 * 512
    apart = pixels * KEPT_BYTES + 1000 * HEADER_BYTES
    in_one_file = pixels * (KEPT_BYTES + 2 * 2) + HEADER_BYTES
    zipped = in_one_file + pixels * 2
    assert apart == 1375 * MIB
    assert max(in_one_file, zipped) < 2751 * MIB < Limits().memory


def png(width: int, height: int) -> bytes:
    """A PNG that says so much and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("files", [[("a.png", png(7000, 7000))], [("a.dcm", memory_child.image(0, 40)[:9000])]])
def test_a_header_that_says_too_much_is_refused_before_decoding(
    files: list[tuple[str, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def decoded(*_: object, **__: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr("core.imaging.raster._grey", decoded)
    monkeypatch.setattr("core.imaging.dicom.pixels.pixel_array", decoded)
    with pytest.raises(UploadLimitError, match=r"limit on memory.*OVERREAD_UPLOAD_MEMORY_MIB"):
        read(files, Limits(memory=64 * MIB))


def test_the_operator_sets_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVERREAD_UPLOAD_MEMORY_MIB", "64")
    with pytest.raises(UploadLimitError, match="64 MiB"):
        read([("a.png", png(7000, 7000))])


def account(most: int) -> memory.Memory:
    return memory.Memory(lambda: most)


def test_an_upload_counts_while_it_is_read_and_then_until_its_pixels_are_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    held = account(64 * MIB)
    monkeypatch.setattr("core.imaging.reader.of_process", lambda: held)
    data = memory_child.image(0)
    study = read([("a.dcm", data)])
    assert held.held == 512 * 512 * KEPT_BYTES + len(data)
    pixels = study.series[0].pixels
    del study
    gc.collect()
    assert held.held >= pixels.nbytes
    del pixels
    gc.collect()
    assert held.held == 0


def test_who_finds_no_room_is_told_what_helps_and_what_was_begun_is_given_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held = account(3 * MIB)
    monkeypatch.setattr("core.imaging.reader.of_process", lambda: held)
    files = [("a.dcm", memory_child.image(0))]
    first = read(files)
    before = held.held
    with pytest.raises(UploadLimitError, match=r"memory for scans is full.*Close.*OVERREAD_TOTAL_MEMORY_MIB"):
        read(files)
    assert held.held == before > 0
    kept = [first]
    del first
    assert read(files, give_way=lambda: bool(kept) and kept.pop() is not None).series


def test_more_than_there_is_at_all_takes_nothing_from_anybody() -> None:
    held = account(MIB)
    with pytest.raises(LimitExceededError, match="takes 2 MiB") as refused:
        held.lease(2 * MIB, give_way=lambda: pytest.fail("nothing had to go"))
    assert not isinstance(refused.value, MemoryFullError)  # waiting would not help
    assert held.held == 0


def test_what_nobody_waits_for_goes_before_anybody_is_refused() -> None:
    held = account(100)
    left = [held.lease(60)]

    def gone() -> bool:
        for lease in left:
            lease.release()
        return bool(left) and left.pop() is not None

    held.spares.append(gone)
    with held.lease(70) as mine:
        assert (held.held, mine.size) == (70, 70)
    assert held.held == 0


def test_arrays_count_once() -> None:
    held = account(100)
    array = np.zeros(10, np.uint8)
    held.keep([array, array], extra=5)
    held.keep([array])
    assert held.held == 15
    assert not held.full
    del array
    assert held.held == 0


def test_where_nobody_is_served_nothing_is_refused() -> None:
    alone = memory.Memory(lambda: 10, serving=False)
    alone.lease(1000)
    assert alone.held == 1000
    assert not alone.full


def test_half_of_the_computer_unless_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert memory.total() > 64 * MIB
    monkeypatch.setenv("OVERREAD_TOTAL_MEMORY_MIB", "100")
    assert memory.total() == 100 * MIB


def test_bytes_in_words() -> None:
    assert [memory._said(size) for size in (1, 300 * MIB, 1536 * MIB)] == ["1 MiB", "300 MiB", "1.5 GiB"]
