"""MR and PET of soft tissue: sarcoma on slices of either, and of PET with MR or CT at one place."""

from __future__ import annotations

import numpy as np

from core.imaging.study import Modality, Plane, Unit
from core.simulate.phantom import Drawing, Order, Phantom, Sample, drawn_series, hardness
from core.simulate.thigh import SLICE_STEP, thigh
from core.systems.declaration import DataSet, ModelSlot, PairOf, PublishedRecipe, ScanKind, System, Term, Unnamed

NAME = "mr-pet"
LABELS = {"no tumour": 0, "tumour": 1}
SAMPLES = (
    Sample(NAME, 1, "tumour", 401, "Thigh, FDG-PET volume A",
           "A soft-tissue tumour of high uptake.", False, 22, "nifti", "PT"),
    Sample(NAME, 2, "tumour", 401, "Thigh, T1 MR volume A",
           "The same leg as PET volume A, in T1 MR.", False, 12, "nifti", "MR"),
    Sample(NAME, 3, "no tumour", 403, "Thigh, FDG-PET volume B", "No tumour.", False, 22, "nifti", "PT"),
    Sample(NAME, 4, "tumour", 404, "Thigh, FDG-PET volume C",
           "A small tumour of low uptake.", True, 22, "nifti", "PT"),
    Sample(NAME, 5, "no tumour", 405, "Thigh, T1 MR volume B", "No tumour.", False, 8, "nifti", "MR"),
    Sample(NAME, 6, "tumour", 406, "Thigh, FDG-PET and T1 MR volumes D",
           "One leg in both modalities, which can be read together.", False, 12, "nifti", "PT+MR"),
)  # fmt: skip


def _draw(rng: np.random.Generator, order: Order) -> Phantom:
    pixels, truth, step = thigh(rng, order.label == "tumour", order.hard, order.slices, order.modality)
    mr = order.modality == "MR"
    series = drawn_series(
        pixels,
        f"Simulated thigh, {'T1 MR' if mr else 'FDG-PET'}, {order.slices} slice(s)",
        truth,
        unit=Unit.ARBITRARY if mr else Unit.SUV,
        modality=Modality.MR if mr else Modality.PT,
        spacing=(SLICE_STEP, step, step),
        plane=Plane.AXIAL,
        body_part="THIGH",
    )
    note = f"A soft-tissue tumour, {hardness(order.hard)}." if order.label == "tumour" else "A thigh without tumour."
    return Phantom(series, order.label, truth, note)


DRAWING = Drawing(
    labels=("no tumour", "tumour"),
    draw=_draw,
    stream=4,
    modalities=("PT", "MR"),
    body_part="THIGH",
    plane=Plane.AXIAL,
    samples=SAMPLES,
    stem="leg",  # a file name with both "mr" and "pet" would leave the modality open
    hints={"PT": "-thigh-pet", "MR": "-thigh-t1"},
)
SYSTEM = System(
    name=NAME,
    title="MR and PET of soft tissue",
    summary="Soft-tissue sarcoma on FDG-PET and T1 MR slices: MR only, PET only, both, and PET with its CT.",
    modalities=frozenset({Modality.MR, Modality.PT}),
    body_parts=("EXTREMITY", "THIGH", "LEG", "KNEE", "PELVIS", "ARM", "SHOULDER"),
    projection="slice",
    classes=("no tumour", "tumour"),
    positive=("tumour",),
    finding="tumour",
    clear="no tumour seen",
    scope="Every patient it learnt from has a sarcoma: it tells slices through the tumour from slices above and below.",
    models=(
        ModelSlot("pet", "ResNet-34, PET only", "resnet34", "classifier"),
        ModelSlot("mr-lite0", "Four EfficientNet-Lite0, MR only", "efficientnet_lite0", "classifier"),
        ModelSlot("combined", "ResNet-34, MR and PET", "resnet34", "classifier"),
        # read as the partner of a PET only: CT by itself is no image of this system
        ModelSlot("ct", "EfficientNet-Lite0, CT only", "efficientnet_lite0", "classifier", votes=False),
    ),
    source="“Cancer Detection from Radiological Images”, a published student project on MR, PET and both",
    counted="patient",
    classics=(
        PublishedRecipe("classic-mr-pet-combined", "classic-combined", "ResNet-34 (combined) as published"),
        PublishedRecipe("classic-mr-pet-mr", "classic-mr", "ResNet-34 (mr) as published"),
        PublishedRecipe("classic-mr-pet-pet", "classic-pet", "ResNet-34 (pet) as published"),
    ),
    licence_note="Trained on TCIA Soft-tissue-Sarcoma (IBSI copy), CC BY 3.0.",
    coded_site=Term("87784001", "SCT", "Soft tissue"),
    place=5,
    finding_words=("tumours", "sarcoma"),
    sets=(
        DataSet("sts-pet", "CC BY 3.0", LABELS, folder="sts-pet-mr", modality="PT"),
        DataSet("sts-mr", "CC BY 3.0", LABELS, folder="sts-pet-mr", split_as="sts-pet", modality="MR"),
        DataSet("sts-ct", "CC BY 3.0", LABELS, folder="sts-pet-mr", split_as="sts-pet", modality="CT", measured=False),
    ),
    pooled=True,
    pair=PairOf("pet", "mr-lite0", "combined", "ct"),
    scans=(ScanKind("PET slice", ("mr-pet-pet",), "PT"), ScanKind("limb MR slice", ("mr-pet-mr",), "MR")),
    elsewhere=frozenset({Modality.MR}),
    nearby=(
        "chest",
        "thora",
        "torax",
        "lung",
        "pulmon",
        "rib",
        "stern",
        "mediast",
        "cardia",
        "heart",
        "axilla",
        "abdom",
        "liver",
        "kidney",
        "spine",
        "spinal",
        "lumbar",
        "hip",
        "foot",
        "ankle",
        "hand",
        "wrist",
        "elbow",
    ),
    unnamed={Modality.PT: Unnamed(0.8, undescribed=True)},
    drawing=DRAWING,
    subgroup="modality",
)
