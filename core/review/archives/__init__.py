"""Archives: import, scoring in the background, the ranked worklist, what reads found, versions and drift.

Pages and the command line call what is named here; the modules hold the details.
"""

from core.review.archives.background import Progress, is_running
from core.review.archives.drift import Drift, Shift
from core.review.archives.importing import ImportOptions
from core.review.archives.intake.joining import join_slices
from core.review.archives.intake.roots import import_roots, permitted
from core.review.archives.intake.sheet import Column, guess_columns, headers, read_sheet
from core.review.archives.intake.sources import Layout, Survey, survey
from core.review.archives.intake.staging import locate, stage_upload
from core.review.archives.jobs import (
    adopt,
    begin_import,
    begin_scoring,
    pause,
    progress,
    rescore,
    resume,
    stop,
)
from core.review.archives.monitor import ModelDrift, check_drift
from core.review.archives.outcomes import archive_yield, outcomes
from core.review.archives.ranking import rank
from core.review.archives.recorded import Untold, recorded_class, unfitting, untold
from core.review.archives.scoring import Installed, installed, need_models, pending
from core.review.archives.sentence import ModelAnswer
from core.review.archives.sums import HELD_BACK, sums_tell
from core.review.archives.threads import shut_down, wait
from core.review.archives.versions import Comparison, ScoredVersion, compare_versions, scored_versions, stale_cases
from core.review.archives.views import DEFAULT_FIELDS, Field, Filter, View, save_view, saved_views
from core.review.archives.worklist import (
    Against,
    Worklist,
    WorklistRow,
    stopped_words,
    worklist,
)
from core.review.archives.yields import Point, Tenth, YieldCurve

__all__ = [
    "DEFAULT_FIELDS",
    "HELD_BACK",
    "Against",
    "Column",
    "Comparison",
    "Drift",
    "Field",
    "Filter",
    "ImportOptions",
    "Installed",
    "Layout",
    "ModelAnswer",
    "ModelDrift",
    "Point",
    "Progress",
    "ScoredVersion",
    "Shift",
    "Survey",
    "Tenth",
    "Untold",
    "View",
    "Worklist",
    "WorklistRow",
    "YieldCurve",
    "adopt",
    "archive_yield",
    "begin_import",
    "begin_scoring",
    "check_drift",
    "compare_versions",
    "guess_columns",
    "headers",
    "import_roots",
    "installed",
    "is_running",
    "join_slices",
    "locate",
    "need_models",
    "outcomes",
    "pause",
    "pending",
    "permitted",
    "progress",
    "rank",
    "read_sheet",
    "recorded_class",
    "rescore",
    "resume",
    "save_view",
    "saved_views",
    "scored_versions",
    "shut_down",
    "stage_upload",
    "stale_cases",
    "stop",
    "stopped_words",
    "sums_tell",
    "survey",
    "unfitting",
    "untold",
    "wait",
    "worklist",
]
