"""What axe-core finds on a page as it stands: serious and critical ones, by rule and element."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

from playwright.sync_api import Page

from tests.accessibility import build

_RUN = """
async ([rules, known]) => {
  const only = rules.length ? { runOnly: { type: "rule", values: rules } } : {};
  const found = await axe.run(document, { ...only, resultTypes: ["violations"], elementRef: true });
  return found.violations
    .filter((one) => ["serious", "critical"].includes(one.impact))
    .flatMap((one) => one.nodes.map((node) => [
      one.id,
      node.target.flat().join(" >> "),
      node.html.slice(0, 300),
      [...node.any, ...node.all, ...node.none].map((check) => check.message).join("; "),
      known.filter(([rule, element]) => rule === one.id && node.element?.matches(element))[0]?.[1] ?? "",
    ]));
}
"""


@dataclass(frozen=True)
class Finding:
    """One element that breaks a rule.

    Attributes:
        rule: axe-core's name of it.
        target: CSS selector, ``>>`` before what lies in a shadow root.
        html: where it begins.
        told: what axe-core says is wrong.
        known: which of the known elements it is; empty when it is none.
    """

    rule: str
    target: str
    html: str
    told: str
    known: str


@functools.cache
def _script() -> str:
    assert build.current(), f"The accessibility test needs axe-core: run `{build.COMMAND}`, as make test does."
    return "() => {" + build.BUNDLE.read_text(encoding="utf-8") + "}"


def findings(page: Page, known: Sequence[tuple[str, str]], rules: Sequence[str] = ()) -> list[Finding]:
    """Serious and critical findings on a page.

    axe-core is put in by the browser's debugger: a page's content security policy binds the page's own scripts alone.

    Args:
        known: rules, and CSS selectors of elements that are known to break them.
        rules: the rules asked for; all of them by default.
    """
    if not page.evaluate("'axe' in globalThis"):
        page.evaluate(_script())
    asked = [list(rules), [list(one) for one in known]]
    found = [Finding(*one) for one in page.evaluate(_RUN, asked)]
    for _ in range(3):  # what is drawn anew fades for a second: a fault is still there afterwards
        if all(one.known for one in found):
            break
        page.wait_for_timeout(1500)
        found = [Finding(*one) for one in page.evaluate(_RUN, asked)]
    return found
