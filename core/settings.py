"""What an operator sets, by environment variables: read here and nowhere else. docs/settings.md is made from this.

:func:`table` is the one in docs/settings.md.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from core import places
from core.errors import SettingError

PREFIX = "OVERREAD_"


class Settings(BaseSettings):
    """The settings, each named ``OVERREAD_`` and its name in capitals; an empty one counts as not set."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="ignore", validate_default=True
    )

    weights: Path = Field(
        default=places.WEIGHTS,
        description="Folder with the models, one subfolder a system.",
        json_schema_extra={"default": "the shipped `weights/`"},
    )
    programs: Path = Field(
        default=Path("~/.cache/overread/programs"),
        description="Folder with the models as `overread compile` compiled them for this machine; without it PyTorch "
        "computes, more slowly.",
        json_schema_extra={"default": "`~/.cache/overread/programs`"},
    )
    data: Path | None = Field(
        default=None,
        description="Folder with the real data sets, laid out as the data cards say; for training, audits and the "
        "images behind a cell of Evidence.",
        json_schema_extra={"default": "none"},
    )
    store: str | None = Field(
        default=None,
        description="Where archives, opinions and the audit trail are kept: a folder outside the program's own, or the "
        "URL of a database (`postgresql+pg8000://...`).",
        json_schema_extra={"default": "`~/.local/share/overread`"},
    )
    images: Path | None = Field(
        default=None,
        description="Folder for the pictures where `OVERREAD_STORE` is a database's URL.",
        json_schema_extra={"default": "`~/.local/share/overread/images`"},
    )
    import_roots: Annotated[tuple[Path, ...], NoDecode] = Field(
        default=(),
        description="Folders of the server that may be imported from, with the system's path separator between (`:`, "
        "on Windows `;`).",
        json_schema_extra={"default": "the home folder; with sign-in, none"},
    )
    admins: Annotated[frozenset[str], NoDecode] = Field(
        default=frozenset(),
        description="E-mail addresses, with commas between, of those who become administrators at their first sign-in, "
        "once the identity provider vouches for the address.",
        json_schema_extra={"default": "none"},
    )
    idle_minutes: float = Field(
        default=30.0,
        gt=0,
        allow_inf_nan=False,
        description="Minutes without use after which a sign-in ends.",
        json_schema_extra={"default": "30"},
    )

    hosts: Annotated[frozenset[str], NoDecode] = Field(
        default=frozenset(),
        description="Names, with commas between, under which pages and HTTP interface answer besides `localhost`: what "
        "stands in the address, without the port.",
        json_schema_extra={"default": "none"},
    )
    api_per_minute: int = Field(
        default=600,
        ge=1,
        description="Requests a minute that one user may send to the HTTP interface.",
        json_schema_extra={"default": "600"},
    )
    upload_mib: int = Field(
        default=1024,
        ge=1,
        description="Largest upload over the HTTP interface in MiB.",
        json_schema_extra={"default": "1024"},
    )
    upload_memory_mib: int = Field(
        default=3072,
        ge=64,
        description="MiB of memory that one upload may take while it is read, beside the uploaded bytes; more is "
        "refused by the headers, before anything is decoded. 1,000 CT slices of 512 x 512 need 1,375, in "
        "one file up to 2,750.",
        json_schema_extra={"default": "3072"},
    )
    total_memory_mib: int | None = Field(
        default=None,
        ge=64,
        description="MiB of memory that all uploads being read and all open cases, with their answers, may take "
        "together; a session gives up its own oldest cases first.",
        json_schema_extra={"default": "half of the computer's memory"},
    )

    dicom_title: str = Field(
        default="OVERREAD",
        pattern=r"^[ -\[\]-~]{1,16}$",
        description="AE title of the DICOM node (`overread node run`).",
        json_schema_extra={"default": "`OVERREAD`"},
    )
    dicom_address: str = Field(
        default="localhost",
        description="Address that the DICOM node listens on.",
        json_schema_extra={"default": "`localhost`"},
    )
    dicom_port: int = Field(
        default=11112,
        ge=1,
        le=65535,
        description="Port that the DICOM node listens on.",
        json_schema_extra={"default": "11112"},
    )
    dicom_peers: Annotated[dict[str, tuple[str, int]], NoDecode] = Field(
        default_factory=dict,
        description="Nodes that may call the DICOM node, `TITLE=HOST:PORT` with commas between; `TITLE` alone may "
        "only call. Nobody else is let in.",
        json_schema_extra={"default": "none"},
    )
    dicom_results: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Where the DICOM node sends segmentations and structured reports: AE titles of peers, or addresses "
        "of DICOMweb servers, with commas between.",
        json_schema_extra={"default": "nowhere"},
    )
    dicom_archive: str = Field(
        default="Received over DICOM",
        min_length=1,
        description="Archive that received studies become cases of; made when it is not there.",
        json_schema_extra={"default": "`Received over DICOM`"},
    )
    dicom_quiet_seconds: float = Field(
        default=10.0,
        gt=0,
        allow_inf_nan=False,
        description="Seconds without a further image after which a received study counts as complete.",
        json_schema_extra={"default": "10"},
    )
    dicom_certificate: Path | None = Field(
        default=None,
        description="Certificate of the DICOM node (PEM). With it, every connection is TLS and peers show theirs.",
        json_schema_extra={"default": "none: no TLS"},
    )
    dicom_key: Path | None = Field(
        default=None, description="Private key of that certificate (PEM).", json_schema_extra={"default": "none"}
    )
    dicom_authorities: Path | None = Field(
        default=None,
        description="Certificates of the authorities that sign peers (PEM).",
        json_schema_extra={"default": "none"},
    )
    dicomweb_servers: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Addresses of DICOMweb servers that may be searched, retrieved from and sent to, with commas "
        "between; no other is asked.",
        json_schema_extra={"default": "none"},
    )

    @field_validator("dicom_results", "dicomweb_servers", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return tuple(part.strip().rstrip("/") for part in value.split(",") if part.strip())

    @field_validator("dicom_peers", mode="before")
    @classmethod
    def _peers(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        found: dict[str, tuple[str, int]] = {}
        for part in (part.strip() for part in value.split(",") if part.strip()):
            title, _, address = part.partition("=")
            host, _, port = address.rpartition(":")
            if not 0 < len(title.strip()) <= 16 or (address and not (host and port.isdigit())):
                raise ValueError(f"{part!r} is not TITLE=HOST:PORT")
            found[title.strip()] = (host, int(port)) if address else ("", 0)
        return found

    @field_validator("import_roots", mode="before")
    @classmethod
    def _folders(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return tuple(Path(part).expanduser() for part in value.split(os.pathsep) if part.strip())

    @field_validator("admins", mode="before")
    @classmethod
    def _addresses(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        found = frozenset(mailbox(part.strip()) for part in value.split(",") if part.strip())
        strange = sorted(part for part in found if not all(part.partition("@")) or " " in part)
        if strange:
            raise ValueError(f"{strange[0]!r} is no e-mail address; commas separate several")
        return found

    @field_validator("hosts", mode="before")
    @classmethod
    def _hosts(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        found = frozenset(part.strip().casefold() for part in value.split(",") if part.strip())
        strange = sorted(part for part in found if set(part) & set("/ *") or part.count(":") == 1)
        if strange:
            raise ValueError(f"{strange[0]!r} is no name of a host; leave scheme, port and path out")
        return found

    @field_validator("programs")
    @classmethod
    def _expanded(cls, value: Path) -> Path:
        return value.expanduser()

    @field_validator("weights")
    @classmethod
    def _is_folder(cls, value: Path) -> Path:
        if not value.expanduser().is_dir():
            raise ValueError(f"there is no folder {value}")
        return value.expanduser()


def mailbox(address: str) -> str:
    """An e-mail address as it is compared: without case, where that changes no letter into others.

    >>> mailbox("Chief@Hospital.org")
    'chief@hospital.org'
    """
    return address.lower() if address.isascii() else address  # "ß" and "SS", or the sign for kelvin and "k", are two


def settings() -> Settings:
    """The settings as the environment has them now; read anew only where it has changed, for every click asks.

    Raises:
        SettingError: a value that cannot be used; says which, and what was expected.
    """
    names = ("HOME", "USERPROFILE")  # what "~" stands for
    return _read(tuple(sorted(one for one in os.environ.items() if one[0].upper().startswith((PREFIX, *names)))))


@lru_cache(maxsize=4)
def _read(_said: tuple[tuple[str, str], ...]) -> Settings:
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = PREFIX + str(first["loc"][0]).upper()
        why = str(first["msg"]).removeprefix("Value error, ")
        raise SettingError(
            f"{name} is {os.environ.get(name, '')!r}: {why[:1].lower()}{why[1:]}.",
            "Set it as docs/settings.md says, or leave it unset, and start again.",
        ) from error


def with_path_first(folder: Path) -> dict[str, str]:
    """The environment for a program that is started from here, with a folder first on its search path."""
    return os.environ | {"PATH": os.pathsep.join([str(folder), os.environ.get("PATH", "")])}


def unless_set(name: str, value: str) -> None:
    """Give a variable that another package reads its value, unless the operator has."""
    os.environ.setdefault(name, value)


def table() -> str:
    """The settings as a table in Markdown."""
    rows = ["| setting | what it says | unless set |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        extra = field.json_schema_extra
        assert isinstance(extra, dict)
        rows.append(f"| `{PREFIX}{name.upper()}` | {field.description} | {extra['default']} |")
    return "\n".join(rows)
