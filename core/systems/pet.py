"""Whole-body FDG-PET: cancer on a coronal maximum-intensity projection."""

from __future__ import annotations

import numpy as np

from core.imaging.study import Modality, Plane, Unit
from core.simulate import pet
from core.simulate.phantom import Drawing, Order, Phantom, Sample, drawn_series, hardness
from core.systems.declaration import DataSet, Guess, Look, ModelSlot, PublishedRecipe, ScanKind, System, Term, Unnamed

NAME = "pet"
UNLICENSED = "no licence stated: internal use only"
INSERTED = "lesions that a computer inserted"
TYPES = {"no cancer": 0, "breast cancer": 1, "prostate cancer": 1}
SAMPLES = (
    Sample(NAME, 1, "breast cancer", 301, "Whole-body PET projection A",
           "A focus in the breast with nodes in the armpit."),
    Sample(NAME, 2, "no cancer", 302, "Whole-body PET projection B",
           "Normal uptake of brain, heart, kidneys, bowel and bladder."),
    Sample(NAME, 3, "prostate cancer", 303, "Whole-body PET projection C",
           "A focus below the bladder, with pelvic nodes."),
    Sample(NAME, 4, "prostate cancer", 304, "Whole-body PET projection D",
           "A faint focus beside the bladder's strong uptake.", True),
    Sample(NAME, 5, "breast cancer", 305, "Whole-body PET volume",
           "Foci in breast and armpit; the projection is made from the volume.", False, 1, "pet-volume"),
)  # fmt: skip


def _draw(rng: np.random.Generator, order: Order) -> Phantom:
    suv, mask, _ = pet.projection(rng, order.label, order.hard)
    facts: dict[str, object] = {"unit": Unit.GREY, "value_range": (0.0, 255.0)}
    pixels = suv
    if order.picture is False:
        facts = {"unit": Unit.SUV}
    else:
        pixels = pet.to_picture(suv)
    series = drawn_series(
        pixels[None],
        "Simulated whole-body FDG-PET projection",
        mask[None],
        modality=Modality.PT,
        plane=Plane.CORONAL,
        body_part="WHOLEBODY",
        projection="mip-coronal",
        **facts,
    )
    note = "Normal uptake only." if order.label == "no cancer" else f"Pattern of {order.label}, {hardness(order.hard)}."
    return Phantom(series, order.label, mask[None], note)


def _volume(sample: Sample) -> dict[str, bytes]:
    """A sample as a volume in SUV with its mask; the page makes the projection from it."""
    from core.simulate import writers  # here: pydicom and nibabel come with it, and declaring a system needs neither

    suv, mask = pet.volume(np.random.default_rng([sample.seed, 3]), sample.label, sample.hard)
    step = (8.0, 8.0, 8.0)
    return {
        f"{sample.id}-suv.nii.gz": writers.nifti(suv[::-1], step, 0.01),
        f"{sample.id}-suv_mask.nii.gz": writers.nifti(mask[::-1], step),
    }


def _light(look: Look) -> str | None:
    light = look.border > 0.7 and look.slices == 1
    return "a light surround suggests a projection with white for no uptake" if light else None


def _tall(look: Look) -> str | None:
    tall = look.height > 1.6 * look.width and look.slices == 1
    return "tall and narrow, as a whole-body projection is" if tall else None


DRAWING = Drawing(
    labels=("no cancer", "breast cancer", "prostate cancer"),
    draw=_draw,
    stream=3,
    modality=Modality.PT,
    body_part="WHOLEBODY",
    projection="mip-coronal",
    samples=SAMPLES,
    forms={"pet-volume": _volume},
)
SYSTEM = System(
    name=NAME,
    title="Whole-body PET",
    summary="FDG-PET coronal maximum-intensity projection: cancer, where, and which pattern.",
    modalities=frozenset({Modality.PT}),
    body_parts=("WHOLEBODY", "WHOLE BODY", "TORSO", "EYE TO THIGH"),
    projection="mip-coronal",
    classes=("no cancer", "cancer"),
    positive=("cancer",),
    finding="uptake suspicious of cancer",
    clear="no suspicious uptake seen",
    scope="Reads a projection of the whole body. Uptake in brain, heart, kidneys, bladder and bowel is normal; "
    "inflammation looks like cancer. No public set labels the cancer type: the three-class model is trained on "
    "lesions inserted into real projections without cancer.",
    models=(
        ModelSlot("unet", "U-Net, ResNet-18 encoder", "unet_resnet18", "segmenter", gate="unet"),
        ModelSlot(
            "unet-lite0", "U-Net, EfficientNet-Lite0 encoder", "unet_efficientnet_lite0", "segmenter", gate="unet-lite0"
        ),
        ModelSlot("resnet34", "ResNet-34", "resnet34", "classifier"),
        ModelSlot("inception-three-class", "InceptionResNetV2, three classes", "inception_resnet_v2", "classifier"),
    ),
    source="a published student project that tells no cancer, breast and prostate cancer apart on PET",
    counted="study",
    classics=(PublishedRecipe("classic-pet-inception", "classic-inception", "InceptionResNetV2 as published"),),
    licence_note="Trained on DM i AI 2023 projections; no licence stated: internal use only.",
    coded_site=Term("38266002", "SCT", "Entire body"),
    place=4,
    sets=(
        DataSet("pet-mip", UNLICENSED, {"no-cancer": 0, "cancer": 1}),
        DataSet("pet-inserted", UNLICENSED, TYPES, "pet-mip", split_as="pet-mip", measured=False, made=INSERTED),
        DataSet("pet-inserted-2", UNLICENSED, TYPES, "pet-mip", split_as="pet-mip", measured=False, made=INSERTED),
    ),
    inserts=True,
    scans=(ScanKind("whole-body PET projection", ("pet-unet",), reversible=True),),
    unnamed={Modality.PT: Unnamed(1.0)},
    guesses=(Guess(20, _light), Guess(30, _tall)),
    drawing=DRAWING,
)
