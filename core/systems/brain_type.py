"""Brain tumour type: which of three tumours a T1 slice after contrast shows, if any, and where."""

from __future__ import annotations

from core.imaging.study import Modality
from core.systems.declaration import ModelSlot, System, Term

BRAIN_TYPE = System(
    name="brain-type",
    title="Brain tumour type",
    summary="Glioma, meningioma or pituitary tumour on brain MR, T1 after contrast, and where.",
    modalities=frozenset({Modality.MR}),
    body_parts=("BRAIN", "HEAD", "SKULL"),
    words=(
        "post contrast",
        "postcontrast",
        "after contrast",
        "t1 post",
        "t1c",
        "t1+c",
        "t1 +c",
        "t1gd",
        "t1 gd",
        "gadolin",
    ),
    projection="slice",
    classes=("no tumour", "glioma", "meningioma", "pituitary tumour"),
    positive=("glioma", "meningioma", "pituitary tumour"),
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
)
