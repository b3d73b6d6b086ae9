"""A phone without a screen: it speaks to a page as Streamlit's client does, keeps what the page holds, draws nothing.

What it says is what a browser says: every widget's state with every request, the button pressed as a trigger, the
fragment that the widget lies in; it fetches the pictures that the viewer would. The whole server answers it.
"""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

from google.protobuf.message import Message
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

from tests.privacy import visitor

VIEWER = "overread_reader"
TEXTS = {"heading": "body", "markdown": "body", "html": "body", "alert": "body"}
FIELDS = {"text_input": "string_value", "checkbox": "bool_value", "selectbox": "string_value"}


@dataclass(frozen=True)
class _Held:
    element: Element
    fragment: str
    run: int


class Phone:
    """One open page.

    Args:
        url: of the server. page: the page's address. query: what stands behind it.
        draws: whether it has WebGL; without it the server draws every picture.
    """

    def __init__(self, url: str, page: str, query: str = "", *, draws: bool = True) -> None:
        self.url, self.page, self.query, self.draws = url, page, query, draws
        self.states: dict[str, WidgetState] = {}
        self.fetched: list[str] = []  # addresses, of the viewer's program and of pictures
        self.repeating: dict[str, float] = {}  # seconds between the runs of a fragment that redraws itself
        self._elements: dict[tuple[int, ...], _Held] = {}
        self._cached: dict[str, ForwardMsg] = {}
        self._script, self._runs = "", 0
        token = visitor.xsrf(url)
        self._socket = visitor.opened(url, {visitor.XSRF: token}, token)
        self.run()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    # What the page holds.

    def elements(self, kind: str) -> Iterator[tuple[Any, str]]:
        """All of a kind, as Streamlit names it, in the page's order; each with the fragment that it lies in."""
        for _, held in sorted(self._elements.items()):
            if held.element.WhichOneof("type") == kind:
                yield getattr(held.element, kind), held.fragment

    @property
    def text(self) -> str:
        """All that the page says in headings, paragraphs, notices and markup."""
        return "\n".join(getattr(one, part) for kind, part in TEXTS.items() for one, _ in self.elements(kind))

    def find(self, kind: str, label: str) -> tuple[Any, str]:
        """A widget by its label, and its fragment. Raises ``LookupError``."""
        for one, fragment in self.elements(kind):
            if one.label == label:
                return one, fragment
        raise LookupError(f"no {kind} {label!r} on a page that says: {self.text[-600:]}")

    # What a hand does.

    def press(self, label: str) -> None:
        """Press a button that can be pressed."""
        button, fragment = self.find("button", label)
        assert not button.disabled, f"{label!r} cannot be pressed: {self.text[-600:]}"
        self.say(button.id, fragment, trigger_value=True)

    def choose(self, label: str, option: str) -> None:
        """Choose one of several."""
        group, fragment = self.find("button_group", label)
        assert option in [one.content for one in group.options], option
        self._set(group.id, string_array_value=[option])
        self.run(fragment)

    def chosen(self, label: str) -> list[str]:
        """What is chosen of several."""
        group, _ = self.find("button_group", label)
        state = self.states.get(group.id)
        return list(state.string_array_value.data) if state else [group.options[n].content for n in group.default]

    def write(self, label: str, text: str) -> None:
        """Write into a field of a form: nothing is sent before the form is."""
        field, _ = self.find("text_input", label)
        self._set(field.id, string_value=text)

    def go(self, query: str) -> None:
        """To an address in the browser's history, as its buttons for back and forward do."""
        self.query = query
        self.run(back=True)

    def set(self, kind: str, label: str, **value: Any) -> str:
        """Hold a value for a widget without sending it; its fragment."""
        one, fragment = self.find(kind, label)
        self._set(one.id, **value)
        return fragment

    def say(self, widget: str, fragment: str = "", **value: Any) -> None:
        """Say anything of any widget, once: also what no page would."""
        self._set(widget, **value)
        said = self.states.pop(widget)
        self.run(fragment, said)

    # What goes over the wire.

    def run(self, fragment: str = "", *said: WidgetState, repeated: bool = False, back: bool = False) -> None:
        """Ask for a run of the page, or of one of its fragments, and take everything that comes, pictures included."""
        self._ask(fragment, *said, repeated=repeated, back=back)
        self._take()
        self._look()

    def _ask(self, fragment: str, *said: WidgetState, repeated: bool, back: bool) -> None:
        asked = BackMsg()
        state = asked.rerun_script
        state.query_string, state.fragment_id, state.is_auto_rerun = self.query, fragment, repeated
        state.is_history_navigation = back
        state.widget_states.widgets.extend([*self.states.values(), *said])
        state.cached_message_hashes.extend(self._cached)
        if self._script:
            state.page_script_hash = self._script
        else:
            state.page_name = self.page
        state.context_info.url = f"{self.url}/{self.page}"
        state.context_info.timezone, state.context_info.locale = "UTC", "en-US"
        self._socket.send(asked.SerializeToString())

    def get(self, path: str) -> bytes:
        """Fetch an address of the server."""
        self.fetched.append(path)
        with urllib.request.urlopen(self.url + path, timeout=visitor.SECONDS) as answer:
            return bytes(answer.read())

    def _take(self) -> None:
        """What comes to the end of the run, and of those that it leads to."""
        end = time.monotonic() + visitor.SECONDS
        while True:
            told = ForwardMsg.FromString(bytes(self._socket.recv(end - time.monotonic(), decode=False)))
            kind = told.WhichOneof("type")
            if kind == "ref_hash":
                path = list(told.metadata.delta_path)
                told = ForwardMsg.FromString(self._cached[told.ref_hash].SerializeToString())
                del told.metadata.delta_path[:]
                told.metadata.delta_path.extend(path)
                kind = told.WhichOneof("type")
            elif told.metadata.cacheable:
                self._cached[told.hash] = told
            if kind == "new_session":
                self._runs += 1
            elif kind == "navigation":
                self._script = told.navigation.page_script_hash
            elif kind == "delta":
                self._place(told)
            elif kind == "page_info_changed":
                self.query = told.page_info_changed.query_string
            elif kind == "auto_rerun":
                self.repeating[told.auto_rerun.fragment_id] = told.auto_rerun.interval
            elif kind == "script_finished" and self._ended(told):
                return

    def _place(self, told: ForwardMsg) -> None:
        path, delta = tuple(told.metadata.delta_path), told.delta
        if delta.WhichOneof("type") == "new_element":
            self._elements[path] = _Held(delta.new_element, delta.fragment_id, self._runs)
            self._take_value(delta.new_element)
        else:
            self._elements.pop(path, None)

    def _take_value(self, element: Element) -> None:
        """A value that the server sets in place of what the widget held."""
        kind = element.WhichOneof("type")
        one: Message = getattr(element, kind) if kind else element
        if not getattr(one, "set_value", False):
            return
        if kind == "button_group":
            self._set(one.id, string_array_value=list(one.raw_values))  # type: ignore[attr-defined]
        elif kind in FIELDS:
            field = FIELDS[kind]
            self._set(one.id, **{field: one.raw_value if kind == "selectbox" else one.value})  # type: ignore[attr-defined]

    def _ended(self, told: ForwardMsg) -> bool:
        """Whether this was the last run; what it did not draw goes, with what was filled in there."""
        status, fragments = told.script_finished, set(told.metadata.run.fragment_ids)
        if status == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
            return False
        stale = [
            path
            for path, held in self._elements.items()
            if held.run < self._runs and (not fragments or held.fragment in fragments)
        ]
        for path in stale:
            del self._elements[path]
        here = {
            getattr(getattr(held.element, held.element.WhichOneof("type") or ""), "id", "")
            for held in self._elements.values()
            if held.element.WhichOneof("type")
        }
        self.states = {name: state for name, state in self.states.items() if name in here}
        return True

    def _look(self) -> None:
        """Fetch the pictures of a viewer that is new on the page, or tell that nothing can be drawn here."""
        for viewer, fragment in list(self.elements("bidi_component")):
            if viewer.component_name != VIEWER:
                continue
            if not self.draws:
                self._set(viewer.id, json_value=json.dumps({"fault": "webgl"}))
                self.run(fragment)
                return
            (data,) = json.loads(viewer.json)
            series = data["series"]
            parts = [f"{series['url']}/{index}" for index in range(series["shape"][0])]
            for address in [data["client"], *parts, series["padding"]]:
                if address and address not in self.fetched:
                    self.get(address)

    def _set(self, widget: str, **value: Any) -> None:
        ((kind, held),) = value.items()
        state = WidgetState(id=widget)
        if kind == "string_array_value":
            state.string_array_value.data.extend(held)
        else:
            setattr(state, kind, held)
        self.states[widget] = state
