"""The errors a user may see. Each message says what was expected, what came, and the remedy."""

from __future__ import annotations

from typing import Self


class OverreadError(Exception):
    """Base of every error whose message is meant for the user.

    Args:
        message: what went wrong, in the user's words.
        remedy: what the user can do about it.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(f"{message} {remedy}".strip())
        self.message = message
        self.remedy = remedy

    def alone(self) -> Self:
        """The same for keeping, without the frames and causes behind it: those hold all that was at hand, scans too."""
        bare = type(self).__new__(type(self), *self.args)
        bare.__dict__.update(self.__dict__)
        return bare


class SettingError(OverreadError):
    """A setting of the environment has a value that cannot be used."""


class UnreadableFileError(OverreadError):
    """The bytes are no image that Overread can read, or are damaged."""


class LimitExceededError(OverreadError):
    """An upload is larger than a declared limit (bytes, pixels, files, nesting)."""


class MemoryFullError(LimitExceededError):
    """The process holds as much for its users as its operator allows; later there may be room again."""


class EncryptedFileError(UnreadableFileError):
    """The file or archive is encrypted."""


class ContractError(OverreadError):
    """An image does not fit what a model was trained on (unit, projection, shape)."""


class NotFiniteError(ContractError):
    """Pixels, or what a network makes of them, are not finite numbers: there is no answer."""


class ModelUnavailableError(OverreadError):
    """A model has no weights, or weights that do not match their card."""


class SystemMismatchError(OverreadError):
    """No system accepts the image, or the chosen one does not."""


class EngineBusyError(OverreadError):
    """The engine's queue is full."""


class DataLayoutError(OverreadError):
    """A data folder is not laid out as its data card says."""


class RecipeError(OverreadError):
    """A training recipe is incomplete or contradicts itself."""


class ArchiveError(OverreadError):
    """An archive cannot be imported, scored or listed as asked."""


class ModelVersionError(OverreadError):
    """Scores or thresholds of another model version than the installed one."""


class DiscrepancyError(OverreadError):
    """Labels cannot be ranked: too few images, or evidence that does not fit together."""


class StoreError(OverreadError):
    """The store cannot do what was asked."""


class NotFoundError(StoreError):
    """The store holds no such row or image."""


class NotAllowedError(StoreError):
    """The user's roles do not include this action."""


class TokenError(StoreError):
    """A token of the programming interface is missing, unknown, expired or revoked."""


class BlindingError(StoreError):
    """The models' answers are not released to this reader yet, or a blind opinion is no longer possible."""


class AlreadyLockedError(StoreError):
    """This reader's answer on this case is locked already: locked answers are never changed."""


class StoreAwayError(StoreError):
    """The database, or the disk that the store lies on, cannot be used now; whoever runs it can mend that."""


class StoreDamagedError(StoreError):
    """The database, an image or the audit trail is not what it was when it was written."""


class BackupDamagedError(StoreError):
    """A backup or export is incomplete or was changed."""


class ReportError(OverreadError):
    """A report cannot be made of this case: it is still blind, or its source files do not allow it."""


class ProofError(OverreadError):
    """The evidence pack cannot be written as asked."""
