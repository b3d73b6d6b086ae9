"""The receiving side: C-ECHO and C-STORE from the nodes that are known, nobody else."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000TransferSyntaxes,
    JPEGLSTransferSyntaxes,
    JPEGTransferSyntaxes,
    RLELossless,
)
from pynetdicom import AE, evt
from pynetdicom.sop_class import (  # type: ignore[attr-defined]  # made at import
    CTImageStorage,
    EnhancedCTImageStorage,
    EnhancedMRImageStorage,
    EnhancedPETImageStorage,
    MRImageStorage,
    PositronEmissionTomographyImageStorage,
    SecondaryCaptureImageStorage,
    SegmentationStorage,
    Verification,
)

from core.errors import OverreadError, SettingError, StoreError
from core.settings import PREFIX
from dashboard.service.node.config import NodeConfig
from dashboard.service.node.spool import Spool

IMAGES = (
    CTImageStorage,
    EnhancedCTImageStorage,
    MRImageStorage,
    EnhancedMRImageStorage,
    PositronEmissionTomographyImageStorage,
    EnhancedPETImageStorage,
    SecondaryCaptureImageStorage,
    SegmentationStorage,
)
SYNTAXES = [
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
    RLELossless,
    *JPEGTransferSyntaxes,
    *JPEGLSTransferSyntaxes,
    *JPEG2000TransferSyntaxes,
]
SUCCESS, OUT_OF_RESOURCES, CANNOT_UNDERSTAND = 0x0000, 0xA700, 0xC000
_log = logging.getLogger(__name__)


def serve(config: NodeConfig, spool: Spool) -> Callable[[], None]:
    """Listen in the background.

    Returns:
        What ends it.

    Raises:
        OSError: the address is taken. SettingError: nobody may call, or the certificates cannot be read.
    """
    if not config.peers:
        raise SettingError("Nobody may call the DICOM node.", f"Name those who may in {PREFIX}DICOM_PEERS.")
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)  # it writes what images say about patients
    node = AE(ae_title=config.title)
    node.require_called_aet = True
    node.require_calling_aet = list(config.peers)
    node.add_supported_context(Verification)
    for kind in IMAGES:
        node.add_supported_context(kind, SYNTAXES)
    server = node.start_server(
        (config.address, config.port),
        block=False,
        ssl_context=config.tls(server=True),
        evt_handlers=[(evt.EVT_C_STORE, _stored, [spool]), (evt.EVT_REJECTED, _rejected, [spool])],
    )
    assert server is not None  # it is one whenever it does not block
    return server.shutdown


def _stored(event: Any, spool: Spool) -> int:
    """Acknowledge an image only when it lies on the disk."""
    caller = str(event.assoc.requestor.ae_title).strip()
    try:
        study = spool.keep(event.encoded_dataset())
    except StoreError as error:
        spool.note("refused", caller=caller, why=error.message)
        return OUT_OF_RESOURCES
    except OverreadError as error:
        spool.note("refused", caller=caller, why=error.message)
        return CANNOT_UNDERSTAND
    except Exception as error:  # a damaged file, a disk that fails: the sender keeps it and is told so
        _log.error("an image could not be kept: %s", type(error).__name__)
        return CANNOT_UNDERSTAND
    spool.note("received", caller=caller, study=study)
    return SUCCESS


def _rejected(event: Any, spool: Spool) -> None:
    spool.note("rejected", caller=str(event.assoc.requestor.ae_title).strip())
