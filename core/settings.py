"""What an operator sets, by environment variables: read here and nowhere else. docs/settings.md is made from this.

``python -m core.settings`` prints the table of docs/settings.md.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from core import places
from core.errors import SettingError

PREFIX = "OVERREAD_"


class Settings(BaseSettings):
    """The settings, each named ``OVERREAD_`` and its name in capitals; an empty one counts as not set."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="ignore")

    weights: Path = Field(
        default=places.WEIGHTS,
        description="Folder with the models, one subfolder a system.",
        json_schema_extra={"default": "the shipped `weights/`"},
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
        description="Names, with commas between, under which the HTTP interface answers besides `localhost`: what "
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
        found = frozenset(part.strip().casefold() for part in value.split(",") if part.strip())
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

    @field_validator("weights")
    @classmethod
    def _is_folder(cls, value: Path) -> Path:
        if not value.expanduser().is_dir():
            raise ValueError(f"there is no folder {value}")
        return value.expanduser()


def settings() -> Settings:
    """The settings as the environment has them now.

    Raises:
        SettingError: a value that cannot be used; says which, and what was expected.
    """
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


def table() -> str:
    """The settings as a table in Markdown."""
    rows = ["| setting | what it says | unless set |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        extra = field.json_schema_extra
        assert isinstance(extra, dict)
        rows.append(f"| `{PREFIX}{name.upper()}` | {field.description} | {extra['default']} |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(table())
