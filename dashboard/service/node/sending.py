"""The sending side: results to the nodes and servers they go to, tried again until these have acknowledged them."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterable
from itertools import groupby
from urllib.parse import urlsplit

import pydicom
import requests
from dicomweb_client import DICOMwebClient
from pynetdicom import AE

from dashboard.service.node.config import NodeConfig, is_web
from dashboard.service.node.spool import Result, Spool

TIMEOUT = 30.0
_MOST = 128  # presentation contexts that one association may propose (PS3.8)


def send_due(config: NodeConfig, spool: Spool) -> int:
    """Try what is due. Returns how many results were acknowledged."""
    due = [result for result in spool.waiting() if result.due <= time.time()]
    sent = 0
    for place, results in groupby(sorted(due, key=lambda one: one.place), key=lambda one: one.place):
        some = list(results)
        try:
            deliver = _to_web if is_web(place) else _to_node
            for result, error in deliver(config, place, some, spool.data):
                if error:
                    _failed(spool, result, error)
                else:
                    spool.acknowledged(result)
                    spool.note("sent", to=place, kind=result.kind)
                    sent += 1
        except (OSError, RuntimeError, requests.RequestException) as error:
            for result in (one for one in spool.waiting() if one in some):
                _failed(spool, result, f"{place} cannot be reached ({type(error).__name__})")
    return sent


def _failed(spool: Spool, result: Result, error: str) -> None:
    later = spool.again(result, error)
    spool.note("put off", to=result.place, kind=result.kind, attempts=later.attempts, why=error)


def _to_node(
    config: NodeConfig, place: str, results: list[Result], data: Callable[[Result], bytes]
) -> Iterable[tuple[Result, str]]:
    """Every result with what went wrong, by C-STORE; the contexts are those of the objects, each proposed by itself."""
    peer = config.peers[place]
    objects = [pydicom.dcmread(io.BytesIO(data(result))) for result in results]
    node = AE(ae_title=config.title)
    node.connection_timeout = node.acse_timeout = node.dimse_timeout = node.network_timeout = TIMEOUT
    for kind, syntax in sorted({(one.SOPClassUID, one.file_meta.TransferSyntaxUID) for one in objects})[:_MOST]:
        node.add_requested_context(kind, syntax)
    context = config.tls(server=False)
    link = node.associate(peer.host, peer.port, ae_title=peer.title, tls_args=(context, peer.host) if context else None)
    if not link.is_established:
        raise ConnectionError(place)
    try:
        for result, one in zip(results, objects, strict=True):
            try:
                status = link.send_c_store(one)
            except ValueError:
                yield result, f"{place} does not take {one.SOPClassUID.name}"
                continue
            if not status:
                raise ConnectionError(place)
            good = status.Status == 0x0000 or 0xB000 <= status.Status <= 0xBFFF  # the latter are warnings: it was kept
            yield result, "" if good else f"{place} answered {status.Status:#06x}"
    finally:
        link.release()


def _to_web(
    config: NodeConfig, place: str, results: list[Result], data: Callable[[Result], bytes]
) -> Iterable[tuple[Result, str]]:
    """Every result with what went wrong, by STOW-RS."""
    client = web_client(place)
    for result in results:
        said = client.store_instances([pydicom.dcmread(io.BytesIO(data(result)))])
        refused = said.get("FailedSOPSequence") or []
        yield result, f"{place} refused it ({refused[0].get('FailureReason')})" if refused else ""


def web_client(address: str) -> DICOMwebClient:
    """A client that gives up instead of waiting for ever."""
    session = requests.Session()
    user, password = urlsplit(address).username, urlsplit(address).password
    if user:
        session.auth = (user, password or "")
    return DICOMwebClient(url=address, session=session)
