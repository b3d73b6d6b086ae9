"""The sliders of *Fool the model*: the scan first, then what is changed about it."""

from __future__ import annotations

import streamlit as st

from core.imaging.study import Series
from core.simulate import DRAWINGS, disguise
from core.simulate.disguise import Change
from core.systems import SYSTEMS

SMALLEST = 64  # pixels a side: of a smaller picture the protected lesion leaves too little to change


@st.cache_data(show_spinner=False)
def offered() -> list[str]:
    """Systems whose simulated scans are large enough."""
    return [
        name
        for name in SYSTEMS
        if name in DRAWINGS and min(disguise.scan(name, 1, DRAWINGS[name].labels[-1]).shape) >= SMALLEST
    ]


def chosen() -> tuple[str, Series, Change, str]:
    """System, scan as drawn, what is changed, and which scan it is."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        names = offered()
        system = st.selectbox("System", names, format_func=lambda n: SYSTEMS[n].title, key="fool-system", width=150)
        labels = DRAWINGS[system].labels[::-1]  # with a finding first
        label = st.selectbox("Drawn with", labels, key=f"fool-label-{system}", width=170)
        seed = int(st.number_input("Scan", 1, 999, 1, key="fool-seed", width=100, help="Another one, drawn anew."))
    which = f"{system} {label} {seed}"
    series = disguise.scan(system, seed, label)
    left, right = st.columns(2, gap="medium")
    with left:
        spread = st.slider("Spread of the grey (%)", 40, 160, 100, 1, key="fool-spread")
        blur = st.slider("Blur (pixels)", 0.0, 8.0, 0.0, 0.5, key="fool-blur", help="Full width at half maximum.")
        quality = st.slider("JPEG quality", 1, 100, 100, 1, key="fool-quality", help="100: not stored as JPEG.")
        mark = st.slider("Mark in the corner (%)", 0, 20, 0, 1, key="fool-mark", help="Bright; % of the side.")
        down = st.slider("Moved down (pixels)", -60, 60, 0, 1, key="fool-down")
    with right:
        level = st.slider("Brighter or darker (%)", -30, 30, 0, 1, key="fool-level")
        noise = st.slider("Noise added (%)", 0, 20, 0, 1, key="fool-noise")
        frame = st.slider("Frame (%)", 0, 15, 0, 1, key="fool-frame", help="Bright; % of the side.")
        zoom = st.slider(
            "Zoom (%)", 60, 160, 100, 1, key="fool-zoom", help="It changes the lesion's size: no disguise."
        )
        across = st.slider("Moved right (pixels)", -60, 60, 0, 1, key="fool-right")
    st.button("As drawn", icon=":material/restart_alt:", key="fool-reset", on_click=_reset)
    change = Change(
        spread=spread / 100,
        level=level / 100,
        blur=blur,
        noise=noise / 100,
        quality=None if quality == 100 else quality,
        frame=frame / 100,
        mark=mark / 100,
        down=down,
        right=across,
        zoom=zoom / 100,
    )
    return system, series, change, which


def _reset() -> None:
    for name in ("spread", "level", "blur", "noise", "quality", "frame", "mark", "down", "right", "zoom"):
        st.session_state.pop(f"fool-{name}", None)


def in_words(change: Change) -> str:
    """What is changed, in one line; empty for nothing."""
    plain = Change()
    parts = {
        "spread": f"spread {change.spread:.0%}",
        "level": f"{change.level:+.0%} grey",
        "blur": f"blur {change.blur:g}",
        "noise": f"noise {change.noise:.0%}",
        "quality": f"JPEG {change.quality}",
        "frame": f"frame {change.frame:.0%}",
        "mark": f"mark {change.mark:.0%}",
        "down": f"{change.down:+d} down",
        "right": f"{change.right:+d} right",
        "zoom": f"zoom {change.zoom:.0%}",
    }
    return ", ".join(text for name, text in parts.items() if getattr(change, name) != getattr(plain, name))
