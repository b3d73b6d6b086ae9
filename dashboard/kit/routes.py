"""Where the pages are, how the menu groups them, and who may open each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.review.people import Action

PAGES = Path(__file__).resolve().parents[1] / "pages"
HOME, REVIEW, MODELS, EVIDENCE = (str(PAGES / f"{name}.py") for name in ("home", "review", "models", "evidence"))
WORKLIST, READ, ARBITRATION, ARCHIVES, RECORDS = (
    str(PAGES / f"{name}.py") for name in ("worklist", "read", "arbitration", "archives", "records")
)
DATASET, LEARN, TEACH, CLASS = (str(PAGES / f"{name}.py") for name in ("dataset", "learn", "teach", "classroom"))
OPINION, NUMBERS, TEACHING = (
    "Second opinion",
    "Evidence",
    "Teaching",
)  # groups of the menu; pages without one stand by themselves
DOOR = "class"  # the one page that guests without an account may open
ANY_ROLE = (Action.LEARN, Action.MANAGE_USERS)  # whoever has a role may do one of these


@dataclass(frozen=True)
class Route:
    """One page. Whoever may do one of the ``actions`` may open it; without any, whoever is signed in.

    ``listed`` puts it into the menu.
    """

    file: str
    title: str
    icon: str
    url: str = ""
    group: str = ""
    actions: tuple[Action, ...] = ()
    listed: bool = True


ROUTES = (
    Route(HOME, "Home", "home"),
    Route(REVIEW, "Review", "radiology", "review", actions=ANY_ROLE),
    Route(WORKLIST, "Worklist", "checklist", "worklist", OPINION, (Action.VIEW,)),
    Route(READ, "Read a case", "visibility", "read", OPINION, (Action.READ, Action.UNBLIND)),
    Route(ARBITRATION, "Arbitration", "balance", "arbitration", OPINION, (Action.ARBITRATE, Action.SUMMARISE)),
    Route(ARCHIVES, "Archives", "inventory_2", "archives", OPINION, (Action.IMPORT, Action.SCORE)),
    Route(RECORDS, "Records", "history", "records", OPINION, (Action.REPORT, Action.EXPORT, Action.MANAGE_USERS)),
    Route(LEARN, "Learn", "school", "learn", TEACHING, (Action.LEARN,)),
    Route(TEACH, "Teach", "co_present", "teach", TEACHING, (Action.TEACH,)),
    Route(CLASS, "Class", "groups", DOOR, TEACHING, listed=False),
    Route(MODELS, "Models", "fact_check", "models", NUMBERS, ANY_ROLE),
    Route(EVIDENCE, "Evidence", "query_stats", "evidence", NUMBERS, ANY_ROLE),
    Route(DATASET, "Data sets", "photo_library", "dataset", NUMBERS, ANY_ROLE),
)
