#!/usr/bin/env bash
# alembic 1.20.1 with SQLAlchemy 2.1.9: `batch_alter_table` on SQLite makes the table anew, and its foreign keys, named or
# not, come out in an order that changes from call to call, in one process and with PYTHONHASHSEED fixed: the constraints are walked
# as a set, whose objects are hashed by where they lie in memory. One migration run on two copies of one database leaves
# two different texts in sqlite_master, so a schema cannot be compared by its text, nor a database file by its hash.
#
# Observed with Python 3.11, a table of two foreign keys and a column added in batch mode, forty times:
#   unnamed: 2 order(s) of the foreign keys
#   named: 2 order(s) of the foreign keys
# Exits with 0 while this is so, with 1 when the behaviour changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet alembic==1.20.1 sqlalchemy==2.1.9 2>/dev/null
cat >"$work/order.py" <<'PY'
import sys

import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext


def order(names):
    keys = [f"{name}FOREIGN KEY({column}) REFERENCES {table} (id)" for name, column, table in names]
    with sa.create_engine("sqlite://").begin() as connection:
        for table in "ab":
            connection.exec_driver_sql(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY)")
        connection.exec_driver_sql(f"CREATE TABLE t (id INTEGER PRIMARY KEY, x INTEGER, y INTEGER, {', '.join(keys)})")
        operations = Operations(MigrationContext.configure(connection))
        with operations.batch_alter_table("t", recreate="always") as batch:
            batch.add_column(sa.Column("z", sa.Integer()))
        text = connection.exec_driver_sql("SELECT sql FROM sqlite_master WHERE name = 't'").scalar()
    return text.index("REFERENCES a") < text.index("REFERENCES b")


found = {}
for kind, first, second in (("unnamed", "", ""), ("named", "CONSTRAINT one ", "CONSTRAINT two ")):
    found[kind] = len({order([(first, "x", "a"), (second, "y", "b")]) for _ in range(40)})
    print(f"{kind}: {found[kind]} order(s) of the foreign keys")
sys.exit(0 if found == {"unnamed": 2, "named": 2} else 1)
PY
PYTHONHASHSEED=0 "$work/venv/bin/python" "$work/order.py"
