"""The whole evidence of a system as one HTML file that needs nothing else: plotly's code is in it once."""

from __future__ import annotations

from collections.abc import Sequence

from plotly.offline import get_plotlyjs

from core.evidence import Evidence, Table
from dashboard.kit import tables as evidence_tables
from dashboard.kit import words
from dashboard.kit.charts import Chart

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1c1c1c; background: #fff; max-width: 1300px;
  margin: 0 auto; padding: 24px; }
figure { margin: 16px 0; break-inside: avoid; } figcaption { font-size: 0.85rem; color: #444; }
section { margin-bottom: 36px; } .q { color: #444; opacity: 1 !important; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 520px), 1fr)); gap: 12px; }
@media print { body { max-width: none; padding: 0; } .ev-wide { overflow: visible; } }
"""


def html(
    title: str, scope: str, split: str, models: Sequence[Evidence], tables: Sequence[Table], charts: Sequence[Chart]
) -> str:
    """The report.

    Args:
        title, scope: of the system. split: the part that the tables and charts are from, unless they say otherwise.
        models: whose versions and files are named. tables, charts: in the order wanted.
    """
    used = "".join(
        f"<li>{words.cell(m.card.pedigree)}; card and predictions SHA-256 {m.sha256[:16]}…"
        + "".join(f"<br><b>{words.cell(w)}</b>" for w in m.warnings)
        + "</li>"
        for m in models
    )
    limits = "".join(
        f"<li>{words.cell(m.card.title)}: {words.cell(text)}</li>" for m in models for text in m.card.limits
    )
    sections = "".join(f"<section><h2>{words.cell(t.title)}</h2>{evidence_tables.html(t)}</section>" for t in tables)
    figures = "".join(_figure(chart) for chart in charts)
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>Evidence: {words.cell(title)}</title><style>{evidence_tables.CSS}{STYLE}</style>"
        f"<script>{get_plotlyjs()}</script></head><body>"
        f"<h1>Evidence: {words.cell(title)}</h1><p>{words.cell(scope)}</p>"
        f"<p><b>All figures are from the {split} part unless a title says otherwise.</b> "
        "Research and teaching use only. Not a medical device; never a diagnosis.</p>"
        f"<h2>Models</h2><ul>{used}</ul>{f'<h2>Limits</h2><ul>{limits}</ul>' if limits else ''}"
        f"{sections}<h2>Figures</h2><div class='charts'>{figures}</div></body></html>"
    )


def _figure(chart: Chart) -> str:
    drawn = chart.figure.to_html(
        full_html=False,
        include_plotlyjs=False,
        config={"displaylogo": False, "toImageButtonOptions": {"format": "svg", "filename": chart.key}},
    )
    alt = words.cell(chart.alt)
    return f"<figure><div role='img' aria-label='{alt}'>{drawn}</div><figcaption>{alt}</figcaption></figure>"
