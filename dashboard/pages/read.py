"""Read a case as second reader: your opinion first, then the models', then your final one."""

from __future__ import annotations

from core.review import Stage, open_store
from dashboard.kit import messages, who
from dashboard.read import blind, head, priors, reveal
from dashboard.read import case as read_case
from dashboard.review import reading

reader = who.number()
with messages.shown():
    store = open_store()
    record = read_case.chosen(store)
    if record is None:
        head.choose(store, reader)
    else:
        stage = read_case.stage(store, record, reader)
        reading.style(read_case.title(record))
        place = head.show(store, record, reader, stage)
        case = read_case.on_desk(store, record)
        with place:
            priors.show(store, record, case)
        if stage is not Stage.BLIND:
            reveal.show(store, record, case, reader, stage)
        elif not head.held(store, record, reader):
            blind.show(store, record, case, reader)
