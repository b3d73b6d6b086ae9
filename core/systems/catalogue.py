"""Declarations of the five systems."""

from __future__ import annotations

from core.errors import SystemMismatchError
from core.imaging.study import Modality
from core.systems.declaration import ModelSlot, System, Term

MALIGNANT = Term("86049000", "SCT", "Malignant neoplasm, primary")

BRAIN_MR = System(
    name="brain-mr",
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
    ),
    licence_note="Trained on LGG Segmentation (Buda; images TCGA-LGG), CC BY-NC-SA 4.0: not for commercial use.",
    coded_site=Term("12738006", "SCT", "Brain"),
)

CHEST_CT = System(
    name="chest-ct",
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
        ModelSlot("densenet121", "DenseNet-121, channel and spatial attention", "densenet121_attention", "classifier"),
        ModelSlot(
            "densenet121-subtypes", "DenseNet-121 with attention (four classes)", "densenet121_attention", "classifier"
        ),
        ModelSlot("resnet50", "ResNet-50", "resnet50", "classifier"),
        ModelSlot("efficientnet-b0", "EfficientNet-B0", "efficientnet_b0", "classifier"),
        ModelSlot("efficientnet-b0-subtypes", "EfficientNet-B0 (four classes)", "efficientnet_b0", "classifier"),
    ),
    licence_note="Trained on IQ-OTH/NCCD lung CT (Mendeley bhmdr45bh2), CC BY 4.0, and Chest CT-Scan images (Hany), "
    "ODbL.",
    coded_finding=MALIGNANT,
    coded_site=Term("39607008", "SCT", "Lung"),
)

BREAST_MRI = System(
    name="breast-mri",
    title="Breast MR lesion crop",
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
    ),
    licence_note="Trained on BreaDM; research use, by request from its authors.",
    coded_finding=MALIGNANT,
    coded_site=Term("76752008", "SCT", "Breast"),
)

PET = System(
    name="pet",
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
        ModelSlot("resnet34", "ResNet-34", "resnet34", "classifier"),
        ModelSlot("inception-three-class", "InceptionResNetV2, three classes", "inception_resnet_v2", "classifier"),
    ),
    licence_note="Trained on DM i AI 2023 projections; no licence stated: internal use only.",
    coded_site=Term("38266002", "SCT", "Entire body"),
)

MR_PET = System(
    name="mr-pet",
    title="MR and PET of soft tissue",
    summary="Soft-tissue sarcoma on FDG-PET and T1 MR slices: MR only, PET only, and both.",
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
        ModelSlot("mr", "ResNet-34, MR only", "resnet34", "classifier"),
        ModelSlot("combined", "ResNet-34, MR and PET", "resnet34", "classifier"),
    ),
    licence_note="Trained on TCIA Soft-tissue-Sarcoma (IBSI copy), CC BY 3.0.",
    coded_site=Term("87784001", "SCT", "Soft tissue"),
)

SYSTEMS: dict[str, System] = {s.name: s for s in (BRAIN_MR, CHEST_CT, BREAST_MRI, PET, MR_PET)}


def system(name: str) -> System:
    """A system by name; raises :class:`SystemMismatchError` for an unknown one."""
    if name not in SYSTEMS:
        raise SystemMismatchError(f"There is no system {name!r}.", f"Known systems: {', '.join(SYSTEMS)}.")
    return SYSTEMS[name]
