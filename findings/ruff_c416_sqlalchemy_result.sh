#!/usr/bin/env bash
# ruff 0.17.6 with SQLAlchemy 2.1.9: rule C416 calls {key: value for key, value in result} unnecessary and (with
# --unsafe-fixes) rewrites it to dict(result). A SQLAlchemy Result of two columns iterates over pairs, but it also has
# keys() (the names of its columns), so dict() takes it for a mapping and ends with "object is not subscriptable", whatever
# the rows are. dict(result.all()) is what both accept.
#
# Observed with ruff 0.17.6, SQLAlchemy 2.1.9:
#   before: {1: 'one', 2: 'two'}
#   ruff made: found = dict(connection.execute(select(things.c.id, things.c.name)))
#   after: TypeError: 'CursorResult' object is not subscriptable
# Exits with 0 while this is so, with 1 when the behaviour changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet ruff==0.17.6 sqlalchemy==2.1.9 2>/dev/null
cat >"$work/query.py" <<'PY'
from sqlalchemy import Column, Integer, MetaData, String, Table, create_engine, insert, select

things = Table("things", MetaData(), Column("id", Integer, primary_key=True), Column("name", String))
engine = create_engine("sqlite://")
with engine.connect() as connection:
    things.create(connection)
    connection.execute(insert(things), [{"id": 1, "name": "one"}, {"id": 2, "name": "two"}])
    found = {key: name for key, name in connection.execute(select(things.c.id, things.c.name))}
    print(found)
PY
before=$("$work/venv/bin/python" "$work/query.py")
"$work/venv/bin/ruff" check --quiet --isolated --select C416 --fix --unsafe-fixes "$work/query.py"
made=$(grep "found = " "$work/query.py" | sed 's/^ *//')
after=$("$work/venv/bin/python" "$work/query.py" 2>&1 | tail -n 1 || true)
echo "before: $before"
echo "ruff made: $made"
echo "after: $after"
[ "$before" = "{1: 'one', 2: 'two'}" ]
[ "$made" = "found = dict(connection.execute(select(things.c.id, things.c.name)))" ]
case "$after" in *"not subscriptable"*) ;; *) exit 1 ;; esac
