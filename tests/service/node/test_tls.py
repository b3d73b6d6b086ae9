"""With certificates every association is TLS, both ways, and DCMTK on the other side must show one that counts."""

from __future__ import annotations

import datetime
import subprocess
from dataclasses import replace
from pathlib import Path

import pydicom
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from dashboard.service.node.config import NodeConfig, Peer
from dashboard.service.node.receiving import serve
from dashboard.service.node.sending import send_due
from dashboard.service.node.spool import Spool
from tests.reports import kit
from tests.service.node.counterparts import free_port, storescu, until, written


def issued(folder: Path, name: str, authority: tuple[x509.Name, rsa.RSAPrivateKey] | None = None) -> tuple[Path, Path]:
    """Key and certificate; of an authority of its own where none is given. Good for an hour."""
    key = rsa.generate_private_key(65537, 2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer, signer = authority or (subject, key)
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(minutes=5))
    builder = builder.not_valid_after(now + datetime.timedelta(hours=1))
    builder = builder.add_extension(x509.BasicConstraints(ca=authority is None, path_length=None), critical=True)
    files = folder / f"{name}.key", folder / f"{name}.pem"
    kind = serialization.PrivateFormat.PKCS8
    files[0].write_bytes(key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption()))
    files[1].write_bytes(builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return files


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Path]]:
    """Two authorities, the node and a caller signed by the first, a stranger by the second."""
    folder = tmp_path_factory.mktemp("papers")
    made = {name: issued(folder, name) for name in ("authority", "elsewhere")}
    for name, by in (("node", "authority"), ("caller", "authority"), ("stranger", "elsewhere")):
        key = serialization.load_pem_private_key(made[by][0].read_bytes(), None)
        assert isinstance(key, rsa.RSAPrivateKey)
        made[name] = issued(folder, name, (x509.load_pem_x509_certificate(made[by][1].read_bytes()).subject, key))
    return made


@pytest.fixture
def config(papers: dict[str, tuple[Path, Path]]) -> NodeConfig:
    key, certificate = papers["node"]
    peers = {"STORESCU": Peer("STORESCU")}
    made = NodeConfig("OVERREAD", "127.0.0.1", free_port(), peers, certificate=certificate, key=key)
    return replace(made, authorities=papers["authority"][1])


def shown(papers: dict[str, tuple[Path, Path]], name: str) -> tuple[str, ...]:
    """DCMTK's options to show a certificate, and to take those of the first authority."""
    return ("+tls", *map(str, papers[name]), "+cf", str(papers["authority"][1]))


def test_images_come_from_whom_the_authority_signed(
    config: NodeConfig, papers: dict[str, tuple[Path, Path]], tmp_path: Path
) -> None:
    spool = Spool(tmp_path / "dicom")
    files = written(tmp_path / "files", kit.mr_files(2))
    stop = serve(config, spool)
    try:
        assert storescu(files, config.port) != 0  # in clear
        assert storescu(files, config.port, "STORESCU", "OVERREAD", *shown(papers, "stranger")) != 0
        assert spool.counts()["received, waiting"] == 0
        assert storescu(files, config.port, "STORESCU", "OVERREAD", *shown(papers, "caller")) == 0
    finally:
        stop()
    kept = {pydicom.dcmread(path).PixelData for path in spool.folder.glob("inbox/*/*.dcm")}
    assert kept == {pydicom.dcmread(path).PixelData for path in files}


def test_results_go_to_whom_the_authority_signed(
    config: NodeConfig, papers: dict[str, tuple[Path, Path]], tmp_path: Path
) -> None:
    port, came = free_port(), tmp_path / "came"
    came.mkdir()
    config = replace(config, peers={"ARCHIVE": Peer("ARCHIVE", "127.0.0.1", port)}, results=("ARCHIVE",))
    spool = Spool(tmp_path / "dicom")
    assert spool.put("result", "sr", "ARCHIVE", kit.mr_files(1)[0][1])
    for name, sent in (("stranger", 0), ("caller", 1)):
        command = ["storescp", "-aet", "ARCHIVE", "-od", str(came), *shown(papers, name), str(port)]
        archive = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            until(lambda: listens(port))
            spool.at_once()
            assert send_due(config, spool) == sent
        finally:
            archive.terminate()
            archive.wait(timeout=30)
    assert len(list(came.iterdir())) == 1
    assert spool.waiting() == []


def listens(port: int) -> bool:
    """Whether something has the port open: asked of the system, since a connection would be one to the archive."""
    told = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    return any(line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A" for line in told)
