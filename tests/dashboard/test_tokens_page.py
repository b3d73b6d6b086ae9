"""The page where tokens are made, told once, and revoked."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.review import Role, Scope, Store
from core.review.tables import User
from core.review.tokens import BEGINS
from dashboard.records import tokens

PAGE = Path(__file__).resolve().parents[2] / "dashboard" / "pages" / "records.py"


def test_a_token_is_made_told_once_and_revoked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVERREAD_STORE", str(tmp_path / "store"))
    store = Store.open(str(tmp_path / "store"))
    me = store.local_user()
    app = AppTest.from_file(str(PAGE), default_timeout=120)
    app.session_state["person"] = User(
        number=me.number, issuer="local", subject="local", name="local", roles=[role.value for role in Role]
    )
    app.run()
    assert not app.exception
    assert "Tokens" in [tab.label for tab in app.tabs]
    app.text_input[-1].input("night job")
    app.multiselect[-1].set_value([Scope.MODELS, Scope.STUDIES])
    next(button for button in app.button if button.label == "Make a token").click().run()
    (told,) = [block.value for block in app.code if block.value.startswith(BEGINS)]
    assert store.token_owner(told)[1] == {Scope.MODELS, Scope.STUDIES}
    app.run()  # as a second press of the button asks for: it is still to be read
    assert [block for block in app.code if told in block.value]
    assert [one.label for one in app.text_input if one.value == "night job"] == []
    monkeypatch.setattr(tokens, "AT_ONCE", 0.0)
    app.run()
    assert not [block for block in app.code if told in block.value]
    next(button for button in app.button if button.label == "Revoke").click().run()
    assert [one.revoked for one in store.tokens(me.number or 0)] == [True]
    assert not [button for button in app.button if button.label == "Revoke"]
    store.close()
