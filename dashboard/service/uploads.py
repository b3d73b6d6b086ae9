"""Files of a multipart request, in memory only: the usual parser writes what is larger than a megabyte to the disk."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from core import memory
from core.imaging.limits import DEFAULT_LIMITS, MIB
from core.memory import GiveWay, Lease
from dashboard.service.guard import Incoming
from dashboard.service.problems import MalformedError, SilentError

SILENT_SECONDS = 60.0  # between two parts of a body: a place for uploads is not held for nothing
COPIES = 2  # of what has come: in the form, and as the files that are taken out of it
REMEDY = "Send multipart/form-data with each file in a field of that name."


class _InMemory(MultiPartParser):
    spool_max_size = sys.maxsize


def schema(field: str, several: bool, **more: dict[str, Any]) -> dict[str, Any]:
    """The body of such a request, for OpenAPI.

    Args:
        field: name of the field with the files. more: further fields and their schemas.
    """
    one = {"type": "string", "format": "binary", "contentMediaType": "application/octet-stream"}
    files = {"type": "array", "items": one, "minItems": 1} if several else one
    body = {"type": "object", "required": [field], "properties": {field: files, **more}}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": body}}}}


async def form(
    request: Request, field: str, give_way: GiveWay | None = None
) -> tuple[list[tuple[str, bytes]], dict[str, str]]:
    """Name and bytes of the files in a field, and the other fields' texts.

    What comes in counts in the memory of the process from its first byte, not only once it is read.

    Args:
        give_way: lets go the oldest thing of the one who sends it, where the process's memory is full.

    Raises:
        MalformedError: the body is no such form, or holds no file.
        LimitExceededError: it is too large, or there is no memory for it (``MemoryFullError``: now).
        SilentError: it does not come.
    """
    incoming: Incoming = request.state.incoming
    incoming.allow(request.app.state.shared.upload_bytes)
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise MalformedError("This takes files as multipart/form-data.", REMEDY)
    files, texts = [], {}
    with memory.of_process().lease(give_way=give_way) as room:
        stream = _counted(request.stream(), room)
        parser = _InMemory(request.headers, stream, max_files=DEFAULT_LIMITS.files, max_fields=32)
        try:
            parsed = await parser.parse()
        except (MultiPartException, KeyError, UnicodeDecodeError, AttributeError) as error:
            raise MalformedError("The form is damaged.", REMEDY) from error
        for name, value in parsed.multi_items():
            if isinstance(value, UploadFile):
                if name == field:
                    files.append((value.filename or "", await value.read()))
                await value.close()
            else:
                texts[name] = value
    if not files:
        raise MalformedError(f"There is no file in the field {field!r}.", REMEDY)
    return files, texts


async def _counted(stream: AsyncIterator[bytes], room: Lease) -> AsyncGenerator[bytes, None]:
    """A body, for which memory is taken out as it comes."""
    came, chunks = 0, aiter(stream)
    while True:
        try:
            async with asyncio.timeout(SILENT_SECONDS):
                chunk = await anext(chunks)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            raise SilentError("The rest of the upload did not come.", "Send it again.") from error
        came += len(chunk)
        if COPIES * came > room.size:
            room.resize(COPIES * came + MIB)
        yield chunk
