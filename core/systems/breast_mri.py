"""Breast MR: benign or malignant, on a crop around a lesion."""

from __future__ import annotations

import numpy as np

from core.imaging.study import Modality, Series, Unit
from core.simulate.breast import breast
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
)

NAME = "breast-mri"
TITLE = "Breast MR lesion crop"
CROP_SIDE = 80  # a picture no larger than this on both sides can only be a crop
SAMPLES = (
    Sample(NAME, 1, "malignant", 201, "Breast MR crop A", "An irregular, spiculated lesion."),
    Sample(NAME, 2, "benign", 202, "Breast MR crop B", "An oval, smooth, evenly enhancing lesion."),
    Sample(NAME, 3, "malignant", 203, "Breast MR crop C", "A malignant lesion that looks fairly smooth.", True),
    Sample(NAME, 4, "benign", 204, "Breast MR crop D", "A benign lesion with an uneven edge.", True),
)  # fmt: skip


def _draw(rng: np.random.Generator, order: Order) -> Phantom:
    pixels, truth = breast(rng, order.label == "malignant", order.hard)
    series = drawn_series(
        pixels,
        "Simulated breast MR lesion crop",
        truth,
        unit=Unit.GREY,
        modality=Modality.MR,
        body_part="BREAST",
        value_range=(0.0, 255.0),
    )
    kind = "irregular, patchy" if order.label == "malignant" else "oval, smooth"
    return Phantom(series, order.label, truth, f"An {kind} lesion, {hardness(order.hard)}.")


def _small(look: Look) -> str | None:
    if max(look.height, look.width) > CROP_SIDE:
        return None
    return f"only {look.width} x {look.height} pixels: a crop around a lesion"


def _warn(series: Series) -> tuple[tuple[str, str], ...]:
    if max(series.shape) <= CROP_SIDE:
        return ()
    text = (
        f"{TITLE} reads crops of 11 to 58 pixels around a lesion; this image has "
        f"{series.shape[1]} x {series.shape[0]}. Crop it around the lesion first."
    )
    return (("not-a-crop", text),)


DRAWING = Drawing(
    labels=("benign", "malignant"),
    draw=_draw,
    stream=2,
    modality=Modality.MR,
    body_part="BREAST",
    samples=SAMPLES,
)
SYSTEM = System(
    name=NAME,
    title=TITLE,
    summary="Benign or malignant, given a radiologist's crop around a breast lesion on DCE-MRI.",
    modalities=frozenset({Modality.MR}),
    body_parts=("BREAST",),
    projection="slice",
    classes=("benign", "malignant"),
    positive=("malignant",),
    finding="malignant",
    clear="benign",
    scope="Reads crops around a lesion that somebody has already found. A whole breast slice is not what it was "
    "trained on, and there is no answer 'no lesion'.",
    models=(
        ModelSlot("resnet18", "ResNet-18", "resnet18", "classifier"),
        ModelSlot("resnet50", "ResNet-50", "resnet50", "classifier"),
        ModelSlot("vgg16", "VGG-16 with batch norm", "vgg16_bn", "classifier"),
        ModelSlot("efficientnet-lite0", "Three EfficientNet-Lite0, from ImageNet", "efficientnet_lite0", "classifier"),
    ),
    source="TumorTrace, a published student project on breast MR lesion crops",
    counted="patient",
    classics=(
        PublishedRecipe("classic-breast-resnet18", "classic-resnet18", "ResNet-18 as published"),
        PublishedRecipe("classic-breast-resnet50", "classic-resnet50", "ResNet-50 as published"),
        PublishedRecipe("classic-breast-vgg16", "classic-vgg16", "VGG-16 as published"),
    ),
    licence_note="Trained on BreaDM; research use, by request from its authors.",
    coded_finding=MALIGNANT,
    coded_site=Term("76752008", "SCT", "Breast"),
    place=3,
    finding_words=MALIGNANT_WORDS,
    sets=(DataSet(NAME, "research use, by request from its authors", {"benign": 0, "malignant": 1}),),
    plants="breast malignant",
    scans=(ScanKind("breast MR lesion crop", ("breast-resnet18",)),),
    guesses=(Guess(10, _small),),
    warn=_warn,
    drawing=DRAWING,
    subgroup="sequence",
)
