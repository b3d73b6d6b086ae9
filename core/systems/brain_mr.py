"""Brain MR: low-grade glioma on axial slices."""

from __future__ import annotations

import numpy as np

from core.imaging.study import Modality, Plane, Unit
from core.simulate.brain import MM_PER_PIXEL, brain
from core.simulate.phantom import Drawing, Order, Phantom, Sample, drawn_series, hardness
from core.systems.declaration import DataSet, Guess, Look, ModelSlot, PublishedRecipe, ScanKind, System, Term, Unnamed

NAME = "brain-mr"
SAMPLES = (
    Sample(NAME, 1, "tumour", 15, "Brain MR, stack of 14",
           "A large infiltrating tumour with mass effect.", False, 14, "nifti"),
    Sample(NAME, 2, "no tumour", 22, "Brain MR, stack of 12",
           "No tumour; the ventricles differ in size, a normal variant.", False, 12, "nifti"),
    Sample(NAME, 3, "tumour", 34, "Brain MR, single slice A",
           "A small, faint tumour that is easily overlooked.", True),
    Sample(NAME, 4, "no tumour", 46, "Brain MR, single slice B", "No tumour."),
    Sample(NAME, 5, "tumour", 55, "Brain MR, single slice C", "A plain infiltrating tumour."),
)  # fmt: skip


def _draw(rng: np.random.Generator, order: Order) -> Phantom:
    pixels, truth = brain(rng, order.label == "tumour", order.hard, order.slices)
    series = drawn_series(
        pixels,
        f"Simulated brain MR, {order.slices} slice(s)",
        truth,
        unit=Unit.GREY,
        modality=Modality.MR,
        spacing=(5.0, MM_PER_PIXEL, MM_PER_PIXEL),
        plane=Plane.AXIAL,
        body_part="BRAIN",
        value_range=(0.0, 255.0),
    )
    note = f"An infiltrating tumour, {hardness(order.hard)}." if order.label == "tumour" else "A head without tumour."
    return Phantom(series, order.label, truth, note)


def _head(look: Look) -> str | None:
    return "a dark surround and a bright rim suggest a head"  # what is left when no other system's rule applies


DRAWING = Drawing(
    labels=("no tumour", "tumour"),
    draw=_draw,
    stream=0,
    modality=Modality.MR,
    body_part="BRAIN",
    plane=Plane.AXIAL,
    samples=SAMPLES,
)
SYSTEM = System(
    name=NAME,
    title="Brain MR",
    summary="Low-grade glioma on axial brain MR slices: is there tumour, and where.",
    modalities=frozenset({Modality.MR}),
    body_parts=("BRAIN", "HEAD", "SKULL", "FLAIR"),
    projection="slice",
    classes=("no tumour", "tumour"),
    positive=("tumour",),
    finding="tumour",
    clear="no tumour seen",
    scope="Trained on slices of glioma patients only: it tells slices with tumour from slices without, "
    "and has never seen a healthy volunteer, a metastasis or a stroke.",
    models=(
        ModelSlot("unet", "U-Net, ResNet-18 encoder, neighbouring slices", "unet_resnet18", "segmenter", gate="unet"),
        ModelSlot("resnet50", "ResNet-50 classifier", "resnet50", "classifier"),
        ModelSlot(
            "resunet", "Residual U-Net (classic), gated by the ResNet-50", "resunet", "segmenter", gate="resnet50"
        ),
        # On validation the mean of four is worse than that of three (AUC 0.972 and 0.975), and four votes can tie.
        ModelSlot("slab", "3-D network over seven slices", "slab3d", "classifier", votes=False),
    ),
    source="a published project on the LGG brain MR set: a ResNet-50 classifier, then a residual U-Net",
    counted="patient",
    classics=(
        PublishedRecipe("classic-brain-resnet50", "classic-resnet50", "ResNet-50 as published"),
        PublishedRecipe("classic-brain-resunet", "classic-resunet", "Residual U-Net as published"),
    ),
    licence_note="Trained on LGG Segmentation (Buda; images TCGA-LGG), CC BY-NC-SA 4.0: not for commercial use.",
    coded_site=Term("12738006", "SCT", "Brain"),
    place=1,
    finding_words=("tumours", "glioma"),
    sets=(DataSet("brain-lgg", "CC BY-NC-SA 4.0", {"no tumour": 0, "tumour": 1}),),
    scans=(ScanKind("brain MR slice", ("brain-unet",)),),
    unnamed={Modality.MR: Unnamed(1.0)},
    guesses=(Guess(100, _head),),
    reads_sequences=True,
    drawing=DRAWING,
    showcase=f"{NAME}-05",
    subgroup="site",
)
