"""Page-wide style: less empty space above a scan, and the notice at the edge."""

from __future__ import annotations

import streamlit as st

CSS = """
<style>
.stMainBlockContainer { padding: 4.2rem 2.2rem 3rem; }
.or-notice { position: fixed; top: 1.15rem; right: 9.5rem; z-index: 999995; font-size: 0.78rem; opacity: 0.75;
  pointer-events: none; }
.stElementContainer:has(.or-notice) { position: absolute; }
.st-key-entrance .st-key-give { min-height: 17rem; }
:has(> .st-key-reading-files) { position: fixed; top: 4.4rem; left: 50%; translate: -50%; width: auto; z-index: 999; }
/* White on the light accent of the dark theme is too faint to read. */
[data-testid^="stBaseButton-primary"]:not(:disabled) :is(p, [data-testid="stIconMaterial"]),
.stMultiSelect [data-tag] > * { color: light-dark(#ffffff, #0c1a21); }
.or-picture { width: 100%; height: auto; display: block; border-radius: 4px; background: #161616; }
@media (max-width: 760px) {
  .stMainBlockContainer { padding: 4rem 0.8rem 2rem; }
  .stMainBlockContainer .stHeading h1 { font-size: 1.7rem; padding: 0.4rem 0 0; }
  .stMainBlockContainer .stHeading h3 { font-size: 1.2rem; padding: 0.4rem 0 0; }
  .or-notice { top: 0.9rem; left: 3.6rem; right: 3.6rem; font-size: 0.7rem; line-height: 1.3; text-align: center; }
  .stButtonGroup button { padding-inline: 0.4rem; min-width: 0; }
}
</style>
"""


def apply() -> None:
    """Put the style on the page."""
    st.html(CSS)
