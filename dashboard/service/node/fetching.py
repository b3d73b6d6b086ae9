"""Studies from a DICOMweb server that is on the list: searched by QIDO-RS, retrieved by WADO-RS into the inbox."""

from __future__ import annotations

import io
from collections.abc import Mapping

import requests
from pydicom import Dataset

from core.errors import OverreadError, SettingError
from core.settings import PREFIX
from dashboard.service.node.config import NodeConfig
from dashboard.service.node.sending import web_client
from dashboard.service.node.spool import Spool


class ServerError(OverreadError):
    """A DICOMweb server did not answer as it should."""


def search(config: NodeConfig, server: str, filters: Mapping[str, str], most: int = 100) -> list[Dataset]:
    """Studies of a server.

    Args:
        filters: value by DICOM keyword, such as ``{"StudyDate": "20260101-"}``.

    Raises:
        SettingError: the server is not on the list. ServerError: it does not answer.
    """
    _listed(config, server)
    try:
        found = web_client(server).search_for_studies(search_filters=dict(filters), limit=most)
    except (OSError, requests.RequestException) as error:
        raise _silent(server, error) from error
    return [Dataset.from_json(one) for one in found]


def fetch(config: NodeConfig, spool: Spool, server: str, study: str) -> int:
    """Retrieve a study into the inbox. Returns how many images came.

    Raises:
        SettingError: the server is not on the list. ServerError: it does not answer. StoreError: the disk is full.
    """
    _listed(config, server)
    count = 0
    try:
        for item in web_client(server).iter_study(study):
            out = io.BytesIO()
            item.save_as(out, enforce_file_format=True)
            key = spool.keep(out.getvalue())
            spool.note("received", caller=server, study=key)
            count += 1
    except (OSError, requests.RequestException) as error:
        raise _silent(server, error) from error
    return count


def _listed(config: NodeConfig, server: str) -> None:
    if server.rstrip("/") not in config.servers:
        raise SettingError(f"{server} is not on the list of DICOMweb servers.", f"Name it in {PREFIX}DICOMWEB_SERVERS.")


def _silent(server: str, error: Exception) -> ServerError:
    return ServerError(f"{server} does not answer ({type(error).__name__}).", "Check its address and whether it runs.")
