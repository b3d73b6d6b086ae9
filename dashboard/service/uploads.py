"""Files of a multipart request, in memory only: the usual parser writes what is larger than a megabyte to the disk."""

from __future__ import annotations

import sys
from typing import Any

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from core.imaging.limits import DEFAULT_LIMITS
from dashboard.service.problems import MalformedError

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


async def form(request: Request, field: str) -> tuple[list[tuple[str, bytes]], dict[str, str]]:
    """Name and bytes of the files in a field, and the other fields' texts.

    Raises:
        MalformedError: the body is no such form, or holds no file.
    """
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise MalformedError("This takes files as multipart/form-data.", REMEDY)
    parser = _InMemory(request.headers, request.stream(), max_files=DEFAULT_LIMITS.files, max_fields=32)
    try:
        parsed = await parser.parse()
    except (MultiPartException, KeyError, UnicodeDecodeError, AttributeError) as error:
        raise MalformedError("The form is damaged.", REMEDY) from error
    files, texts = [], {}
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
