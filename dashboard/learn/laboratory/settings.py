"""The sliders: lesion first, then what spoils the picture."""

from __future__ import annotations

import streamlit as st

from core.preprocessing import windows
from core.simulate.laboratory import KINDS, SLICES, Setting, canvas, full_scale
from core.systems import SYSTEMS

START = {"brain-mr": 10, "chest-ct": 60, "pet": 100}  # percent of the full scale at which a lesion is plain


def chosen() -> tuple[str, int, Setting]:
    """System, number of the scan, and what is set."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        system = st.selectbox("System", list(KINDS), format_func=lambda n: SYSTEMS[n].title, key="lab-system")
        seed = st.number_input("Scan", 1, 999, 2, key="lab-seed", width=110, help="Another one, drawn anew.")
    series, _ = canvas(system, int(seed))
    unit = "mm" if series.spacing else "pixels"
    diameter = st.slider(f"Size ({unit}; 0: none)", 0, 80, 20, 1, key="lab-size")
    contrast = st.slider("Contrast (%)", -100, 300, START[system], 5, key=f"lab-contrast-{system}")
    st.caption(f"{contrast} % is {contrast * full_scale(series) / 100:+.4g} {series.unit} on the tissue around it.")
    blur = st.slider(f"Blur ({unit}, full width at half maximum)", 0.0, 15.0, 0.0, 0.5, key="lab-blur")
    noise = st.slider("Noise added (%)", 0, 50, 0, 1, key="lab-noise")
    slices = 1
    if series.slices > 1:
        thick = series.spacing[0] if series.spacing else 1.0
        offered = range(1, SLICES + 1, 2)
        slices = st.select_slider(
            f"Slice thickness ({unit})", offered, 1, format_func=lambda n: f"{n * thick:g}", key=f"lab-thick-{system}"
        )
    return system, int(seed), Setting(diameter, contrast / 100, blur, noise / 100, slices, *_stored(system, int(seed)))


def _stored(system: str, seed: int) -> tuple[tuple[float, float] | None, int | None]:
    """Window and JPEG quality, where the picture is stored in grey levels."""
    series, _ = canvas(system, seed)
    usual = windows.presets(series)[0]
    window = None
    if st.toggle("Through a window, as 8-bit picture", key=f"lab-windowed-{system}"):
        low, high = float(series.pixels.min()), float(series.pixels.max())
        step = (high - low) / 200
        centre = st.slider("Level", low, high, min(max(usual.centre, low), high), step, key=f"lab-level-{system}")
        widest = 2 * (high - low)
        width = st.slider("Width", widest / 200, widest, min(usual.width, widest), step, key=f"lab-width-{system}")
        window = (centre, width)
    quality = None
    if st.toggle("Lossy (JPEG)", key="lab-lossy"):
        quality = st.slider("Quality", 1, 100, 60, 1, key="lab-quality")
    return window, quality
