"""Chest CT: malignant lung lesions on axial slices."""

from __future__ import annotations

import numpy as np

from core.imaging.study import Modality, Plane, Unit, Window
from core.simulate.chest import PICTURE_CENTRE, PICTURE_WIDTH, chest, to_picture
from core.simulate.phantom import Drawing, Order, Phantom, Sample, drawn_series, hardness
from core.systems.declaration import (
    MALIGNANT,
    MALIGNANT_WORDS,
    DataSet,
    Guess,
    Look,
    ModelSlot,
    PublishedRecipe,
    ScanKind,
    System,
    Term,
    Unnamed,
)

NAME = "chest-ct"
SAMPLES = (
    Sample(NAME, 1, "malignant", 101, "Chest CT, DICOM series",
           "A spiculated mass with a strand towards the pleura.", False, 14, "dicom"),
    Sample(NAME, 2, "normal", 102, "Chest CT, picture A", "No nodule; the vessels are normal."),
    Sample(NAME, 3, "benign", 103, "Chest CT, picture B", "A small, smooth, calcified nodule."),
    Sample(NAME, 4, "malignant", 104, "Chest CT, picture C",
           "A subtle lesion: small, hidden or of ground glass.", True),
    Sample(NAME, 5, "malignant", 105, "Chest CT, picture D", "A lobulated mass."),
)  # fmt: skip


def _draw(rng: np.random.Generator, order: Order) -> Phantom:
    pixels, truth, step, gap = chest(rng, order.label, order.hard, order.slices)
    facts: dict[str, object] = {"unit": Unit.HU, "window": Window(PICTURE_CENTRE, PICTURE_WIDTH, "lung")}
    if order.picture:
        pixels = to_picture(pixels)
        facts = {"unit": Unit.GREY, "value_range": (0.0, 255.0)}
    series = drawn_series(
        pixels,
        f"Simulated chest CT, {order.slices} slice(s)",
        truth,
        modality=Modality.CT,
        spacing=(gap, step, step),
        plane=Plane.AXIAL,
        body_part="CHEST",
        **facts,
    )
    notes = {
        "normal": "Lungs without a nodule.",
        "benign": f"A smooth, calcified nodule, {hardness(order.hard)}.",
        "malignant": f"A lobulated or spiculated lesion, {hardness(order.hard)}.",
    }
    return Phantom(series, order.label, truth, notes[order.label])


def _surround(look: Look) -> str | None:
    grey = look.border > 0.04 or look.dark < 0.25 or look.width > 1.15 * look.height
    return "the grey surround suggests a chest CT" if grey else None


DRAWING = Drawing(
    labels=("normal", "benign", "malignant"),
    draw=_draw,
    stream=1,
    modality=Modality.CT,
    body_part="CHEST",
    plane=Plane.AXIAL,
    samples=SAMPLES,
)
SYSTEM = System(
    name=NAME,
    title="Chest CT",
    summary="Malignant lung lesion on axial chest CT slices.",
    modalities=frozenset({Modality.CT}),
    body_parts=("CHEST", "LUNG", "THORAX"),
    projection="slice",
    classes=("not malignant", "malignant"),
    positive=("malignant",),
    finding="malignant lesion",
    clear="no malignant lesion seen",
    scope="Trained on slices of one hospital and one web collection: benign lesions come from 15 patients only, so "
    "'not malignant' rests mostly on normal lungs.",
    models=(
        ModelSlot(
            "efficientnet-lite0", "EfficientNet-Lite0 from ImageNet, five heads", "efficientnet_lite0", "classifier"
        ),
        ModelSlot("densenet121", "DenseNet-121, channel and spatial attention", "densenet121_attention", "classifier"),
        ModelSlot(
            "densenet121-subtypes", "DenseNet-121 with attention (four classes)", "densenet121_attention", "classifier"
        ),
        ModelSlot("resnet50", "ResNet-50", "resnet50", "classifier"),
        ModelSlot("efficientnet-b0", "EfficientNet-B0", "efficientnet_b0", "classifier"),
        ModelSlot("efficientnet-b0-subtypes", "EfficientNet-B0 (four classes)", "efficientnet_b0", "classifier"),
        # taught by EfficientNet-B0 and weaker: shown beside it, not counted
        ModelSlot("vit", "Vision Transformer behind a stem of convolutions", "vit_stem", "classifier", votes=False),
    ),
    source="a published chest CT demo, a DenseNet-121 with channel and spatial attention behind a web page",
    counted="group",
    classics=(
        PublishedRecipe("classic-chest-densenet121", "classic-densenet121", "DenseNet-121 as published"),
        PublishedRecipe("classic-chest-efficientnet-b0", "classic-efficientnet-b0", "EfficientNet-B0 as published"),
        PublishedRecipe("classic-chest-resnet50", "classic-resnet50", "ResNet-50 as published"),
    ),
    licence_note="Trained on IQ-OTH/NCCD lung CT (Mendeley bhmdr45bh2), CC BY 4.0, and Chest CT-Scan images (Hany), "
    "ODbL.",
    coded_finding=MALIGNANT,
    coded_site=Term("39607008", "SCT", "Lung"),
    place=2,
    finding_words=MALIGNANT_WORDS,
    clear_words=("benign",),
    sets=(
        DataSet("lung-ct", "CC BY 4.0", {"normal": 0, "benign": 0, "malignant": 1}),
        DataSet(
            NAME,
            "ODbL",
            {"normal": 0, "adenocarcinoma": 1, "large-cell-carcinoma": 1, "squamous-cell-carcinoma": 1},
        ),
    ),
    plants="lung malignant",
    decoys=("lung benign",),
    scans=(ScanKind("chest CT slice", ("chest-densenet", "chest-densenet-subtypes")),),
    unnamed={Modality.CT: Unnamed(1.0)},
    guesses=(Guess(40, _surround),),
    drawing=DRAWING,
    subgroup="recorded",
)
