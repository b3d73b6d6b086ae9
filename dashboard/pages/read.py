"""Read a case as second reader: your opinion first, then the models', then your final one."""

from __future__ import annotations

from core.review import Stage, open_store
from dashboard.widgets import messages, read_blind, read_case, read_head, read_reveal, who

reader = who.number()
with messages.shown():
    store = open_store()
    record = read_case.chosen(store)
    if record is None:
        read_head.choose(store, reader)
    else:
        stage = read_case.stage(store, record, reader)
        read_head.show(store, record, reader, stage)
        case = read_case.on_desk(store, record)
        if stage is not Stage.BLIND:
            read_reveal.show(store, record, case, reader, stage)
        elif not read_head.held(store, record, reader):
            read_blind.show(store, record, case, reader)
