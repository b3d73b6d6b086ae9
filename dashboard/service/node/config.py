"""Who the node is and whom it knows, from the settings."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import SettingError
from core.settings import PREFIX, Settings


@dataclass(frozen=True)
class Peer:
    """Another node: it may call, and where an address is known, results may go to it."""

    title: str
    host: str = ""
    port: int = 0


@dataclass(frozen=True)
class NodeConfig:
    """The node's settings, checked.

    Attributes:
        title: own AE title. address, port: where it listens.
        peers: by AE title; nobody else may call.
        results: where results go: titles of peers with an address, or addresses of DICOMweb servers.
        archive: name of the archive that cases go to.
        quiet: seconds without a further image after which a study counts as complete.
        certificate, key, authorities: PEM files; with them every connection is TLS and both sides show certificates.
        servers: DICOMweb servers that may be asked.
    """

    title: str
    address: str
    port: int
    peers: Mapping[str, Peer] = field(default_factory=dict)
    results: tuple[str, ...] = ()
    archive: str = "Received over DICOM"
    quiet: float = 10.0
    certificate: Path | None = None
    key: Path | None = None
    authorities: Path | None = None
    servers: tuple[str, ...] = ()

    @classmethod
    def of(cls, settings: Settings) -> NodeConfig:
        """From the settings.

        Raises:
            SettingError: results should go somewhere that no setting describes, or TLS is half set.
        """
        made = cls(
            title=settings.dicom_title,
            address=settings.dicom_address,
            port=settings.dicom_port,
            peers={title: Peer(title, host, port) for title, (host, port) in settings.dicom_peers.items()},
            results=settings.dicom_results,
            archive=settings.dicom_archive,
            quiet=settings.dicom_quiet_seconds,
            certificate=settings.dicom_certificate,
            key=settings.dicom_key,
            authorities=settings.dicom_authorities,
            servers=settings.dicomweb_servers,
        )
        for place in made.results:
            known = place in made.servers if is_web(place) else bool(made.peers.get(place, Peer("")).host)
            if not known:
                raise SettingError(
                    f"{PREFIX}DICOM_RESULTS names {place}, of which no address is known.",
                    f"Name it in {PREFIX}DICOM_PEERS as TITLE=HOST:PORT, or its address in {PREFIX}DICOMWEB_SERVERS.",
                )
        if len({made.certificate is None, made.key is None, made.authorities is None}) > 1:
            raise SettingError(
                "TLS is set in part.", f"Set {PREFIX}DICOM_CERTIFICATE, _KEY and _AUTHORITIES together, or none."
            )
        return made

    def tls(self, *, server: bool) -> ssl.SSLContext | None:
        """What secures a connection; ``None`` where no certificates are set.

        Raises:
            SettingError: a certificate cannot be read.
        """
        if self.certificate is None or self.key is None:
            return None
        purpose = ssl.Purpose.CLIENT_AUTH if server else ssl.Purpose.SERVER_AUTH
        try:
            made = ssl.create_default_context(purpose, cafile=self.authorities)
            made.load_cert_chain(self.certificate, self.key)
        except (OSError, ssl.SSLError) as error:
            raise SettingError(
                "The node's certificates cannot be read.", "Give PEM files: certificate, its key, the authorities."
            ) from error
        made.verify_mode = ssl.CERT_REQUIRED
        made.check_hostname = False  # nodes are known by the authority that signed them; many have no name in DNS
        return made


def is_web(place: str) -> bool:
    """Whether it is the address of a DICOMweb server rather than an AE title."""
    return place.startswith(("http://", "https://"))
