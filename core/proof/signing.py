"""Signatures with Ed25519 (RFC 8032), which are the same for the same text, and which ``openssl`` can check."""

from __future__ import annotations

from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from core.errors import ProofError

_REMEDY = "Make one: openssl genpkey -algorithm ed25519 -out key.pem."


def load_key(file: Path) -> Ed25519PrivateKey:
    """The private key in a PEM file without a password.

    Raises:
        ProofError: it cannot be read, has a password, or is another kind of key.
    """
    try:
        key = load_pem_private_key(file.read_bytes(), password=None)
    except OSError as error:
        raise ProofError(f"The key {file} cannot be read.", _REMEDY) from error
    except TypeError as error:  # what the library raises where a password is missing
        told = f"Give one without: openssl pkey -in {file.name} -out open.pem."
        raise ProofError(f"The key {file} has a password.", told) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ProofError(f"{file} holds no private key in PEM.", _REMEDY) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ProofError(f"{file} holds another kind of key than Ed25519.", _REMEDY)
    return key


def public_pem(key: Ed25519PrivateKey) -> bytes:
    """Its public half, in PEM."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
