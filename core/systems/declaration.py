"""What one system is: the images it accepts, its classes, its models, its wording, its data, its simulated scans.

A system is one module of this package with a constant ``SYSTEM``; nothing outside it names the system.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from core.imaging.study import Modality, Series
from core.simulate.phantom import Drawing


@dataclass(frozen=True)
class ModelSlot:
    """A model a system has, whether or not its weights are installed.

    Attributes:
        votes: whether its answer to the system's own question is counted; one that is only shown has no vote, and no
            part in the models' mean.
    """

    name: str
    title: str
    architecture: str
    role: str  # "classifier" or "segmenter"
    gate: str | None = None
    votes: bool = True


@dataclass(frozen=True)
class PublishedRecipe:
    """A recipe that repeats the system re-implemented here, for comparison: trainable, but not shipped.

    Attributes:
        recipe: its name for ``python -m trainers train``. name: of the model that it makes. title: for people.
    """

    recipe: str
    name: str
    title: str


@dataclass(frozen=True)
class Term:
    """A coded concept: code, coding scheme (``SCT`` is SNOMED CT, ``DCM`` is DICOM PS3.16) and its meaning."""

    value: str
    scheme: str
    meaning: str


NEOPLASM = Term("108369006", "SCT", "Neoplasm")
MALIGNANT = Term("86049000", "SCT", "Malignant neoplasm, primary")
# Words by which records name a finding, besides the system's own.
MALIGNANT_WORDS = ("malignancy", "cancer", "malignant lesion")


@dataclass(frozen=True)
class DataSet:
    """A data set that a system learns from or is measured on.

    Attributes:
        name: as recipes and cards name it, also the name of its reader (``trainers/data``); a set without a reader of
            its own is read as pictures by the columns of its ``index.csv``.
        licence: in a few words.
        labels: 1 for the label texts that are a finding, 0 for the others.
        folder: under the data root, where it is not the name; several sets may read one folder.
        split_as: the set of the same patients whose split it shares: nobody is trained on in one and measured on in the
            other.
        modality: of its images, for simulated scans beside them.
        measured: a folder given to ``evaluate`` may be laid out like it.
        made: what its findings are, in a few words, where they are no patient's.
    """

    name: str
    licence: str
    labels: Mapping[str, int] = field(default_factory=dict, hash=False)
    folder: str = ""
    split_as: str = ""
    modality: str = ""
    measured: bool = True
    made: str = ""


@dataclass(frozen=True)
class ScanKind:
    """One kind of image that the router learns as the system's own.

    Attributes:
        kind: in words, one of them ("brain MR slice").
        recipes: whose sets show it. modality: of simulated ones.
        reversible: shown dark on white as often as bright on black.
    """

    kind: str
    recipes: tuple[str, ...]
    modality: str = "PT"
    reversible: bool = False


@dataclass(frozen=True)
class Unnamed:
    """How well a series fits that names no body part: 1.0 for the first choice of its modality, 0.5 for any other.

    With ``undescribed`` its description is not searched for one either.
    """

    score: float = 0.5
    undescribed: bool = False


@dataclass(frozen=True)
class Look:
    """Shape and grey levels of a picture that names nothing.

    Attributes:
        height, width, slices: of the series. border: median grey of the edge pixels, 0 to 1.
        dark: share of the pixels below 0.08.
    """

    height: int
    width: int
    slices: int
    border: float
    dark: float


@dataclass(frozen=True)
class Guess:
    """A rule for pictures that name nothing: the first that applies, in the order of ``place``, decides.

    Attributes:
        why: the reason in words, or ``None`` where the rule does not apply.
    """

    place: int
    why: Callable[[Look], str | None]


@dataclass(frozen=True)
class PairOf:
    """Two models that read one place on PET and on MR, the one that was trained on both, and one that reads its CT.

    ``both`` and ``ct`` are empty where there is no such model.
    """

    pet: str
    mr: str
    both: str = ""
    ct: str = ""

    @property
    def others(self) -> dict[Modality, str]:
        """The models that read a place beside PET's, by modality."""
        return {Modality.MR: self.mr} | ({Modality.CT: self.ct} if self.ct else {})


@dataclass(frozen=True)
class System:
    """Declaration of one system.

    Attributes:
        name: identifier, also the folder under ``weights/``.
        title, summary: for people.
        modalities: modalities it accepts; body parts likewise (upper case, substring match); empty takes any.
        projection: ``slice`` or ``mip-coronal``.
        classes: class names in logit order; ``classes[0]`` is the negative one.
        positive: the classes that count as a finding.
        finding: the word for a positive answer ("tumour").
        clear: the word for a negative answer ("no tumour seen").
        scope: what an answer does and does not mean, one sentence.
        models: the models, first the main one.
        classics: recipes as they were published.
        licence_note: licence of the training data.
        words: what a series' description says (lower case) when this system reads it rather than another one of the
            same modality and body part.
        coded_finding, coded_site: what a finding is and where, for DICOM objects.
        place: order among the systems, lowest first; then by name.
        finding_words, clear_words: further words for either in records, lower case, "tumour" spelt so.
        sets: data sets it learns from and is measured on.
        pooled: a folder holds all its sets, and ``evaluate`` reads them one after the other; else the first that fits.
        pair: the models that read one place in two modalities.
        inserts: lesions can be inserted into its clear images, see ``trainers/data/inserted.py``.
        plants: kind of lesion (:data:`core.simulate.insertion.KINDS`) that is inserted into clear images to test heat
            maps where no set has masks; empty for none. decoys: kinds that bear every trace of insertion and are no
            finding of this system.
        scans: kinds of image that the router learns as its own.
        elsewhere: modalities of which it is offered, with doubt, what shows a part of the body that no system was made
            for; ``nearby`` are words for such parts in a description (lower case, the beginning of a word is enough).
        unnamed: by modality, how well a series fits that names no body part.
        guesses: rules for pictures that name nothing at all.
        reads_sequences: it learnt from pictures of three MR sequences, one in each channel, mixed to grey.
        warn: key and text of what its models were not made for, by series.
        drawing: how its scans are simulated.
        showcase: the built-in sample that shows most.
        subgroup: how Evidence divides its images first; by default the first way that the images allow.
        source: the published system that its classics repeat: its name, and what it is.
        counted: what nobody's images are shared out of: patients, studies, or groups of look-alikes.
    """

    name: str
    title: str
    summary: str
    modalities: frozenset[Modality]
    body_parts: tuple[str, ...]
    projection: str
    classes: tuple[str, ...]
    positive: tuple[str, ...]
    finding: str
    clear: str
    scope: str
    models: tuple[ModelSlot, ...]
    licence_note: str
    words: tuple[str, ...] = ()
    coded_finding: Term = NEOPLASM
    coded_site: Term | None = None
    classics: tuple[PublishedRecipe, ...] = ()
    place: int = 100
    finding_words: tuple[str, ...] = ()
    clear_words: tuple[str, ...] = ()
    sets: tuple[DataSet, ...] = ()
    pooled: bool = False
    pair: PairOf | None = None
    inserts: bool = False
    plants: str = ""
    decoys: tuple[str, ...] = ()
    scans: tuple[ScanKind, ...] = ()
    elsewhere: frozenset[Modality] = frozenset()
    nearby: tuple[str, ...] = ()
    unnamed: Mapping[Modality, Unnamed] = field(default_factory=dict, hash=False)
    guesses: tuple[Guess, ...] = ()
    reads_sequences: bool = False
    warn: Callable[[Series], tuple[tuple[str, str], ...]] | None = None
    drawing: Drawing | None = None
    showcase: str = ""
    subgroup: str = ""
    source: str = ""
    counted: str = "group"

    @property
    def labels(self) -> dict[str, int]:
        """1 for the label texts of its sets that are a finding, 0 for the others."""
        return {text: value for known in self.sets for text, value in known.labels.items()}

    def classes_of(self, finding: bool) -> tuple[str, ...]:
        """The classes that go with an answer."""
        return tuple(name for name in self.classes if (name in self.positive) is finding)
