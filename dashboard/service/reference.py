"""The interface's reference as a page of its own: made from the OpenAPI document, nothing fetched, no script."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"
_STYLE = """
:root { color-scheme: light dark; }
body { color: light-dark(#101010, #e8e8e8); background: light-dark(#ffffff, #1b1b1b);
  font: 15px/1.5 system-ui, sans-serif;
  max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
a { color: light-dark(#1b6487, #7fc1e0); }
summary { cursor: pointer; padding: .35rem 0; overflow-wrap: anywhere; }
code { font-family: ui-monospace, monospace; }
.verb { display: inline-block; min-width: 4.2rem; font-weight: 600; }
table { border-collapse: collapse; margin: .3rem 0 1rem; width: 100%; }
td, th { text-align: left; vertical-align: top; padding: .15rem .8rem .15rem 0; border-bottom: 1px solid #8884; }
.table { overflow-x: auto; }
h2 { margin-top: 2rem; }
"""


def page(document: Mapping[str, Any]) -> str:
    """The reference as HTML."""
    groups: dict[str, list[str]] = {}
    for path, verbs in document["paths"].items():
        for verb, one in verbs.items():
            tag = (one.get("tags") or ["other"])[0]
            groups.setdefault(tag, []).append(_operation(path, verb, one))
    schemas = document.get("components", {}).get("schemas", {})
    forms = "".join(_form(name, one) for name, one in sorted(schemas.items()))
    body = "".join(f"<h2>{escape(tag.capitalize())}</h2>{''.join(found)}" for tag, found in groups.items())
    info = document["info"]
    return (
        f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>{escape(info['title'])} HTTP interface"
        "</title><meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<style>{_STYLE}</style></head><body><h1>{escape(info['title'])} HTTP interface, version "
        f"{escape(info['version'])}</h1><p>{_text(info.get('description', ''))}</p><p>Addresses are below "
        "<code>/api</code>; the document for programs is at <a href='v1/openapi.json'>v1/openapi.json</a>. Send "
        "<code>Authorization: Bearer TOKEN</code>; tokens are made on the page Records, Tokens. Without sign-in, "
        f"requests from this machine need none.</p>{body}<h2>Forms</h2>{forms}</body></html>"
    )


def _operation(path: str, verb: str, one: Mapping[str, Any]) -> str:
    rows: list[tuple[str, str, str, str | None]] = []
    for given in one.get("parameters", ()):
        where = given["in"] + (", required" if given.get("required") else "")
        rows.append((given["name"], where, _kind(given.get("schema", {})), given.get("description")))
    for media, content in one.get("requestBody", {}).get("content", {}).items():
        rows.append(("body", media, _kind(content.get("schema", {})), ""))
    for code, told in one.get("responses", {}).items():
        for media, content in (told.get("content") or {"": {}}).items():
            if code.startswith("2"):
                rows.append((code, media or "no content", _kind(content.get("schema", {})), ""))
    return (
        f"<details><summary><span class='verb'>{verb.upper()}</span> <code>{escape(path)}</code></summary>"
        f"<p>{_text(one.get('description', ''))}</p>{_table(rows)}</details>"
    )


def _form(name: str, one: Mapping[str, Any]) -> str:
    need = one.get("required", ())
    rows = [
        (key, "required" if key in need else "", _kind(value), value.get("description"))
        for key, value in one.get("properties", {}).items()
    ]
    return (
        f"<details id='{escape(name)}'><summary><code>{escape(name)}</code></summary>"
        f"<p>{_text(one.get('description', ''))}</p>{_table(rows)}</details>"
    )


def _table(rows: list[tuple[str, str, str, str | None]]) -> str:
    if not rows:
        return ""
    cells = (
        (f"<code>{escape(name)}</code>", escape(where), kind, _text(said or "")) for name, where, kind, said in rows
    )
    lines = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in line) + "</tr>" for line in cells)
    return f"<div class='table' tabindex='0' role='region' aria-label='Parts'><table>{lines}</table></div>"


def _kind(schema: Mapping[str, Any]) -> str:
    """A schema in a word or two, with a link where it is a form."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f"<a href='#{name}'>{name}</a>"
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return " or ".join(_kind(one) for one in schema[several])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    if "enum" in schema:
        return escape(", ".join(map(str, schema["enum"])))
    return escape(str(schema.get("format") or schema.get("type") or ""))


def _text(said: str) -> str:
    parts = escape(said).split("`")
    return "".join(f"<code>{part}</code>" if place % 2 else part for place, part in enumerate(parts)).replace("``", "")
