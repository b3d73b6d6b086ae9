"""What people decide about cases, kept so that nothing is lost and nothing can be changed unseen."""

from core.review.database import default_folder
from core.review.opinions import Change
from core.review.people import ALLOWED, Action, allowed, require
from core.review.store import Store, fingerprint, open_store
from core.review.vocabulary import CaseState, FileRole, Mode, Outcome, Radpeer, Role, RunState, Scope, Sided, Stage

__all__ = [
    "ALLOWED",
    "Action",
    "CaseState",
    "Change",
    "FileRole",
    "Mode",
    "Outcome",
    "Radpeer",
    "Role",
    "RunState",
    "Scope",
    "Sided",
    "Stage",
    "Store",
    "allowed",
    "default_folder",
    "fingerprint",
    "open_store",
    "require",
]
