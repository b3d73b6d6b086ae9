"""Brain tumour type: which of three tumours a T1 slice after contrast shows, if any, and where."""

from __future__ import annotations

import numpy as np

from core.imaging.study import Modality, Plane, Unit
from core.simulate.brain_type import brain_type
from core.simulate.phantom import Drawing, Order, Phantom, Sample, drawn_series, hardness
from core.systems.declaration import DataSet, ModelSlot, ScanKind, System, Term, Unnamed

NAME = "brain-type"
LABELS = ("no tumour", "glioma", "meningioma", "pituitary tumour")
SAMPLES = (
    Sample(NAME, 1, "meningioma", 501, "Brain MR after contrast, slice A", "An evenly bright ball on the skull."),
    Sample(NAME, 2, "glioma", 502, "Brain MR after contrast, slice B", "An uneven bright ring about a dark core."),
    Sample(NAME, 3, "pituitary tumour", 503, "Brain MR after contrast, slice C",
           "A bright tumour in the middle of the skull base."),
    Sample(NAME, 4, "no tumour", 504, "Brain MR after contrast, slice D",
           "No tumour; the vein at the back is bright."),
)  # fmt: skip
_LOOKS = {
    "glioma": "A glioma, a bright ring about a dark core",
    "meningioma": "A meningioma, evenly bright on the skull",
    "pituitary tumour": "A pituitary tumour in the middle of the skull base",
}


def _draw(rng: np.random.Generator, order: Order) -> Phantom:
    pixels, truth = brain_type(rng, order.label, order.hard)
    series = drawn_series(
        pixels,
        "Simulated brain MR, T1 post contrast",
        truth,
        unit=Unit.GREY,
        modality=Modality.MR,
        plane=Plane.AXIAL,
        body_part="BRAIN",
        value_range=(0.0, 255.0),
    )
    found = _LOOKS.get(order.label)
    note = "A head without tumour." if found is None else f"{found}, {hardness(order.hard)}."
    return Phantom(series, order.label, truth, note)


DRAWING = Drawing(
    labels=LABELS,
    draw=_draw,
    stream=5,
    modality=Modality.MR,
    body_part="BRAIN",
    plane=Plane.AXIAL,
    description="T1 post contrast",
    samples=SAMPLES,
)
SYSTEM = System(
    name=NAME,
    title="Brain tumour type",
    summary="Glioma, meningioma or pituitary tumour on brain MR, T1 after contrast, and where.",
    modalities=frozenset({Modality.MR}),
    body_parts=("BRAIN", "HEAD", "SKULL"),
    words=("post contrast", "postcontrast", "after contrast", "t1 post", "t1c", "t1+c", "t1 +c", "t1gd", "gadolin"),
    projection="slice",
    classes=LABELS,
    positive=LABELS[1:],
    finding="tumour",
    clear="no tumour seen",
    scope="Trained on single T1 slices after contrast with one of three tumours; those without a tumour come from "
    "other scanners and sequences, so 'no tumour' rests partly on the source. A metastasis or an abscess is "
    "forced into one of the four answers.",
    models=(
        ModelSlot(
            "unet-lite0",
            "U-Net, EfficientNet-Lite0 encoder, four classes",
            "unet_efficientnet_lite0",
            "segmenter",
            gate="unet-lite0",
        ),
    ),
    licence_note="Trained on BRISC 2025 (most tumour slices from Cheng, Figshare), CC BY 4.0.",
    coded_site=Term("12738006", "SCT", "Brain"),
    place=6,
    finding_words=("tumours", "pituitary", "pituitary adenoma"),
    sets=(DataSet("brain-brisc", "CC BY 4.0", {"no-tumor": 0, "glioma": 1, "meningioma": 1, "pituitary": 1}),),
    scans=(ScanKind("brain MR slice, T1 after contrast", ("brain-type",)),),
    unnamed={Modality.MR: Unnamed(0.5)},
    drawing=DRAWING,
    showcase=f"{NAME}-01",
)
