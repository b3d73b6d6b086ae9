"""The connection to the database: where it lies, how it is opened, and its two kinds of transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DatabaseError, DBAPIError, InterfaceError, OperationalError
from sqlmodel import Session

from core import places
from core.errors import StoreAwayError, StoreDamagedError, StoreError
from core.review import noted_head
from core.review.schema import upgrade
from core.settings import settings

DATABASE = "overread.sqlite"
IMAGES = "images"
BUSY_SECONDS = 60.0
WRITERS_LOCK = 0x0FE2  # advisory lock under which PostgreSQL's writers queue, as SQLite's do by themselves


def default_folder() -> Path:
    """Where the store lies unless told otherwise: ``~/.local/share/overread``."""
    return Path.home() / ".local" / "share" / "overread"


def place(where: str | None = None, images_folder: Path | None = None) -> tuple[str, Path]:
    """Database URL and images folder for ``where``: a folder, a URL, or ``None`` for OVERREAD_STORE or the default.

    Raises:
        StoreError: the folder lies inside the repository, where patient data could be committed.
    """
    where = where or settings().store or str(default_folder())
    if "://" in where:
        file = Path(where.split("///", 1)[1]).parent if where.startswith("sqlite") and "///" in where else None
        base = file or (settings().images or default_folder() / IMAGES).parent
        url = where
    else:
        base = Path(where).expanduser().resolve()
        url = f"sqlite:///{base / DATABASE}"
    images = (images_folder or base / IMAGES).expanduser().resolve()
    for folder in {base.expanduser().resolve(), images}:
        if folder == places.HOME or places.HOME in folder.parents:
            raise StoreError(
                f"The store may not lie inside the program's own folder ({folder}).",
                "Set OVERREAD_STORE to a folder outside it.",
            )
    return url, images


def _prepare_sqlite(engine: Engine) -> None:
    """WAL, foreign keys, durable commits, and BEGIN in our hands (the driver would begin too late to see a write)."""

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _: Any) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "foreign_keys=ON", "synchronous=FULL", "recursive_triggers=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        writing = connection.get_execution_options().get("overread_writing")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


@contextmanager
def _told(refused: str) -> Iterator[None]:
    """A full disk, a lost connection or a damaged file in the user's words; what else a database says stays what it is.

    Args:
        refused: what cannot be done without the database.
    """
    try:
        yield
    except (OperationalError, InterfaceError) as error:  # drivers tell a lost connection as the one or the other
        full = "full" in str(error.orig).lower() or "space" in str(error.orig).lower()
        what = "The disk is full: nothing was written." if full else f"The database cannot be {refused}."
        raise StoreAwayError(what, "Make room or check that the database runs, then do it again.") from error
    except DatabaseError as error:
        if not _damaged(error):
            raise
        raise StoreDamagedError("The database is damaged.", "Restore the last backup into a new folder.") from error


def _is_file(url: str) -> bool:
    return url.startswith("sqlite:///") and ":memory:" not in url and url != "sqlite:///"


def _damaged(error: DBAPIError) -> bool:
    """Whether SQLite says that its file is no longer what it wrote."""
    return any(words in str(error.orig) for words in ("disk image is malformed", "file is not a database"))


class Database:
    """An open database: every public method of the store runs in one transaction of it.

    Attributes:
        engine: SQLAlchemy engine.
        images_folder: where images lie by content hash.
    """

    def __init__(self, engine: Engine, images_folder: Path) -> None:
        self.engine = engine
        self.images_folder = images_folder
        self._writer = engine.execution_options(overread_writing=True)

    @staticmethod
    def connect(url: str, images_folder: Path | None = None) -> Engine:
        """Open the database at ``url`` and bring its tables up to date.

        Args:
            images_folder: of the store; beside it lie the keys that older stores are brought up to date with.

        Raises:
            StoreError: neither SQLite (as a file) nor PostgreSQL, or newer than this program.
            StoreAwayError: it cannot be opened; the message names it.
        """
        if _is_file(url):
            file = Path(url.removeprefix("sqlite:///"))
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS})
            _prepare_sqlite(engine)
        elif url.startswith("postgresql+"):
            engine = create_engine(url, pool_pre_ping=True)
        else:
            raise StoreError(
                "The store works with a SQLite file or PostgreSQL.",
                "Give a folder, sqlite:///FILE or postgresql+pg8000://USER:PASSWORD@HOST/DATABASE.",
            )
        try:
            upgrade(engine.execution_options(overread_writing=True), images_folder)
        except DBAPIError as error:
            check = "its folder may be written to" if _is_file(url) else "the server runs"
            raise StoreAwayError(
                f"The database {engine.url.render_as_string(hide_password=True)} cannot be opened: {error.orig}.",
                f"Check that {check} and the address is right, or restore a backup.",
            ) from error
        return engine

    @property
    def url(self) -> str:
        """Where the database is, without its password."""
        return self.engine.url.render_as_string(hide_password=True)

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is a SQLite file."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Read transaction; rows stay usable after it."""
        with _told("read"), Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        """Read transaction that sees one moment throughout, however long it takes."""
        frozen = self.engine if self.is_sqlite else self.engine.execution_options(isolation_level="REPEATABLE READ")
        with _told("read"), Session(frozen, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Write transaction: one at a time over all processes, durable when the block is left, undone on an error."""
        with _told("written to"), Session(self._writer, expire_on_commit=False) as session, session.begin():
            if not self.is_sqlite:
                session.connection().execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": WRITERS_LOCK})
            else:
                session.connection()  # begins the transaction now, so that all that is read here is current
            yield session
        head = session.info.get("head")
        if head is not None:
            noted_head.note(self.images_folder.parent, *head)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()
