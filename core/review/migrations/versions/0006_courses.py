"""Courses, quizzes, learners, attempts; their answers append-only."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_MOMENT = sa.String(length=27)


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.Integer(), nullable=False)


def _number(name: str, refers: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), sa.ForeignKey(refers), nullable=nullable)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _json(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.JSON(), nullable=False)


def upgrade() -> None:
    """Create the tables and the triggers of the answers."""
    op.create_table(
        "courses",
        _id(),
        sa.Column("title", sa.String(), nullable=False),
        _text("goals"),
        sa.Column("builtin", sa.String(), nullable=True),
        _number("owner", "users.number"),
        sa.Column("created", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("builtin"),
    )
    op.create_table(
        "quizzes",
        _id(),
        _number("course_id", "courses.id"),
        sa.Column("title", sa.String(), nullable=False),
        _text("goals"),
        _json("rules"),
        sa.Column("listed", sa.Boolean(), nullable=False),
        sa.Column("code", sa.String(), nullable=True),
        sa.Column("created", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code"),
    )
    op.create_table(
        "quiz_items",
        _id(),
        _number("quiz_id", "quizzes.id"),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        _json("place"),
        sa.Column("system", sa.String(), nullable=False),
        sa.Column("finding", sa.Boolean(), nullable=False),
        sa.Column("label", sa.String(), nullable=True),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        _text("hint"),
        _text("note"),
        _json("details"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("quiz_id", "position"),
    )
    op.create_table(
        "item_scores",
        _id(),
        _number("item_id", "quiz_items.id"),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("weights_sha256", sa.String(), nullable=False),
        sa.Column("finding", sa.Float(), nullable=False),
        sa.Column("threshold", sa.Float(), nullable=False),
        sa.Column("slice_index", sa.Integer(), nullable=False),
        sa.Column("created", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("item_id", "model", "weights_sha256"),
    )
    op.create_table(
        "learners",
        _id(),
        _number("user", "users.number", nullable=True),
        _number("quiz_id", "quizzes.id", nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("secret_sha256", sa.String(), nullable=True),
        sa.Column("created", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("user"),
        sa.UniqueConstraint("secret_sha256"),
    )
    op.create_table(
        "attempts",
        _id(),
        _number("quiz_id", "quizzes.id"),
        _number("learner_id", "learners.id"),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        _json("sequence"),
        sa.Column("started", _MOMENT, nullable=False),
        sa.Column("finished", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("quiz_id", "learner_id", "number"),
    )
    op.create_table(
        "quiz_drafts",
        _id(),
        _number("attempt_id", "attempts.id"),
        _number("item_id", "quiz_items.id"),
        sa.Column("stage", sa.String(), nullable=False),
        _json("content"),
        sa.Column("started", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("attempt_id", "item_id", "stage"),
    )
    op.create_table(
        "repetitions",
        _id(),
        _number("learner_id", "learners.id"),
        _number("item_id", "quiz_items.id"),
        _json("card"),
        sa.Column("due", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("learner_id", "item_id"),
    )
    op.create_table(
        "quiz_answers",
        _id(),
        _number("attempt_id", "attempts.id"),
        _number("item_id", "quiz_items.id"),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("finding", sa.Boolean(), nullable=True),
        sa.Column("label", sa.String(), nullable=True),
        sa.Column("confidence", sa.Integer(), nullable=True),
        _json("marks"),
        _json("outline"),
        sa.Column("hinted", sa.Boolean(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("found", sa.Boolean(), nullable=True),
        sa.Column("distance", sa.Float(), nullable=True),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("false_marks", sa.Integer(), nullable=False),
        sa.Column("dice", sa.Float(), nullable=True),
        sa.Column("started", _MOMENT, nullable=False),
        sa.Column("locked_at", _MOMENT, nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.CheckConstraint("confidence BETWEEN 0 AND 100", name="ck_quiz_answers_confidence"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("attempt_id", "item_id", "stage"),
    )
    for table, column in (
        ("quizzes", "course_id"),
        ("quiz_items", "quiz_id"),
        ("item_scores", "item_id"),
        ("learners", "quiz_id"),
        ("attempts", "quiz_id"),
        ("attempts", "learner_id"),
        ("quiz_drafts", "attempt_id"),
        ("repetitions", "learner_id"),
        ("quiz_answers", "attempt_id"),
        ("quiz_answers", "item_id"),
    ):
        op.create_index(f"ix_{table}_{column}", table, [column], unique=False)
    _protect()


def _protect() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE TRIGGER quiz_answers_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON quiz_answers "
            "FOR EACH STATEMENT EXECUTE FUNCTION overread_append_only()"
        )
        return
    refused = "BEGIN SELECT RAISE(ABORT, 'quiz_answers is append-only'); END"
    for verb in ("UPDATE", "DELETE"):
        op.execute(f"CREATE TRIGGER quiz_answers_no_{verb.lower()} BEFORE {verb} ON quiz_answers {refused}")
    same = "id = NEW.id OR (attempt_id = NEW.attempt_id AND item_id = NEW.item_id AND stage = NEW.stage)"
    op.execute(
        "CREATE TRIGGER quiz_answers_no_replace BEFORE INSERT ON quiz_answers "  # nosec B608  (our own names)
        f"WHEN EXISTS (SELECT 1 FROM quiz_answers WHERE {same}) {refused}"
    )
