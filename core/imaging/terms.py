"""Words that name an image and nobody: what may stay of a free text or a file name.

A list of what is allowed, not of what is forbidden: names come in every script, as initials, with numbers glued on, and
no list of those ends. A word that is missing here is lost from a label; the picture is not.
"""

from __future__ import annotations

import re
from itertools import pairwise

from core.imaging.tag_lists import CODES

_WORDS = """
a abc abdomen abdominal about ac accuray achieva acme acq acquired acquisition adc admin admire advance aera after
agfa aidr all allegra altea ambition an anat anatomy and angio angiography ankle annotation ants aorta ap app aquilion
arm arterial arteriell artery as asir asl at atn atten attenuation attn aug auto av avanto average averaged awtos ax
axial axiale axials axl b background bad bae ball base baseline bassin bauch becken bed beds before bet bffe bh bilat
bilateral biograph bladder blade bladed blanco blank blend block blood bmp body bold bolus bone borst both bottom
bowel box brain brainstem brav bravo breast breasts breath breathhold breathing bright brilliance broken bruker bsrem
buik bw by bypass c cabeza calcium calcs calf canon cardiac carestream carotid case cbf cbv cc ce cerebral cervical
chest choline cine ciss clean clear clinic clip cms coeur coil col collection colon color colour combined combo comp
compressed cone confidence contrast contraste control cor corazon coro coronal coronale coronary corr corrected
correction corrupt cou count counts crop cropped cross cs csf csi csp cspine csv ct cta ctac cube cuello cut d damaged
data dcal dce dcm dcmqi decf decy deep default definition deformed delay delayed demo derived dess detail dev dicom
diff diffusion dir discovery discoverymr dixon dl dlir doc docx dose dotarem dotatate double drive dti dtim dual
dualenergy duo dwell dwi dx dyn dynamic dynava e ear early ecg echelon echo eclipse edge eeg elbow elekta elition
elscint emission emotion eovist ep ep2d ep3d epi epi2d epicardial equilibrium error es esaote espree est et exam
example exhale exp export ext extremity eye f f18 fa face factor fast fat fatsat fb fbp fcm fdg fdopa fe fed feet
femur fet ffe fgre field fiesta fifth file filt filter filtered final fine first fistula fl2d fl3d fl3d1 flair flash
flip flirt flow flt fluoride fluorodeoxyglucose fmri foie fonar foot for force fourth fov fr frame frames free from
frontal fs fse fsgr fspgr ft ftf fuji fujifilm full fused fusion g ga ga68 gad gado gadobutrol gadolinium gadoterate
gadovist gain gallbladder gallium gate gated gdcm ge gehealthcare gel gemini geminitf general genou gevaert gif gland
gluteal go gradient grase gray gre gre3d grey grid groin group gs gt gz h half hals hand haste hd he head healthcare
healthineers heart helical helix hemangioma hepatic herz hi higado high hip hips hires hitachi hologic homogeneous
hoofd hr hrct hs html humerus hyperecho i iac icon ideal idose im ima image images imaging img imgs imr in inc inf
inferior inflow ingenia ingenuity inhale initial inject injecte injection inner inp inphase input insp inspiration int
intensity intera inv inverse inversion iodine iodinemap iodixanol iohexol iopamidol iqon ir irm iso isotropic isovue
iv ivim ivus j2k jaw jls joint jpeg jpg json k kernel kidney kidneys knee knie knochen konica kontrast kopf koronar kv
l label labels lac large larynx lat late lateral lava leber left leg legs lesion lesions level lever lightspeed limb
line liver lo loc local localiser localizer logiq long longitudinal loop lossless lossy low lower lspine lt lumbar
lung lunge lungs lymph m mag magn magnetom magnevist magnitude mammo map maps marked mas mask masked masks max maximum
mcf mct me2d mean measured med medial mediastinum medic medical mediso medium met mgz mid min mindray minimum minip
minolta mip mips mixed ml mm moco mode model mono mono16 monoenergetic mosaic motion motn mov mpr mprage mprange mr
mra mrcp mri mrt mrv ms multi multihance multiplanar muscle n nac nativ native nav neck needle neg negative nerve
neuro neusoft new nifti nii no node nodes nodule nodules noise non noncontrast none norm normal nose not note notes
nrrd nu null o oasis obl oblique obstetrical oesophagus off old omnipaque omniscan on one op opp opphase oppose optima
optiray oral orbit orbits ordinary orian orig original osem ossem other out outer outphase output ov ovary overlay
overview p pa pair pancreas par parallel paramed parametric parotid part pass patient pause pc pca pd pdf pdw peak
pelvic pelvis perf perform perfusion perspective pet petct petmr ph phantom pharynx phase phased phases philips physio
pilot plain plan plane planes planning plus pm png point portal portovenous pos position positive post postcontrast
pre precontrast prep prepped prescan preview primary primovist prisma prob probability processed prohance projected
projection prone propeller proset prostate protocol proton ps psf psma pt pulm pulmonary pulse pure pw pydicom q qc
qform quant quick r radial radiomics ramla random randoms range ranr rapid rate ratio raw real recon reconstructed
reconstruction record rectum ref reference reformat reg region registered rel relative removed renal rep repeat report
res resampled rescan research resolve resp respiration respiratory rest result results retro reverse revolution rf rgb
rib ribs right rle rodilla roi rois rot rotated routine rpe rt rtdose rtplan rtstruct rubidium run s safire sag
sagittal sagittale sample samsung sat saturation save saved sc scan scanner scans scat scatter schedel schulter scic
scope scout screen screening screenshot se se2d sec second secondary section seg segment segmentation segmentations
segmented sel select sella sensation sense seq sequence sequences sequential ser series set sets sharp shim short
shoulder shunt siemens siemenshealthineers signa signahde signal sim simple simulated single sinus sinuses site size
skin skull skyra slab slice slices slow small smart smartscore smooth smoothed soc soft sola somatom sonosite sos
space spair spatial spc spect spectral spgr spin spinal spine spiral spleen split spoiled sr src ssfp ssfse ssrb sta
standard start state static std ste stent step stereo stir stomach stop store stress structural study sub subject
subset subtracted subtraction sum sup superior supine supria surv survey suv suvbw suvs swan swi swip sym symphony syn
syngo synthetic system systems t table tag tagged tar target te technique temp temporal test tests tete text tfe tfl
tfl3d tgse the thick thickness thigh thin third thoracic thorax three thrive thyroid tibia tif tiff tilt time time0
timing tir tirm tissue titan to tof top torax toshiba total tp tpl tr tra trace trachea track tract train transaxial
transmission transversal transversale transverse trial trig trigger triggered trio true truex trufi truncate truncated
tse tse2d tspine tsv tte tumor tumors tumour tumours turbo twist two txt type u uih ultimate ultra ultrashort
ultravist umi uncorrected undefined uniform uniformity unit united unknown up upper ureter us uterus v val valid value
values vantage var varian vasc vascular vein venoes venous vent ventricle veo ver verio version vert vessel vibe
vibrant vida virtual vision visipaque vista vnc vol volume volumes voyager vpfx vpfxs vpfxss vs w wall warp water
waveform wb wbc week weichteil weighted wervel wet wfi whole wholebody wide width window wirbel with without work
wrist x xcite xenetix xml y yes z zero zip zoom zoomed
"""

TERMS = frozenset(_WORDS.split())

# A number with what it counts or what it is counted in: b1000, te80, 3d, 5mm, t1w, B70f. Names are no such letters.
_BEFORE = (
    "b|te|tr|ti|fa|fov|p|s|e|r|g|i|im|img|ima|se|ser|sl|slice|image|phase|bw|nex|ch|ph|ep|seg|t|is|d|c|v|lv|no|x|fr|w|z"
    "|sub"
)
_AFTER = "d|mm|cm|ms|kv|kvp|mas|ma|ch|deg|min|sec|s|ml|mbq|t|tesla|x|p|hr|bit|ns|dir|dirs|th|st|nd|rd|w"
_GLUED = re.compile(rf"(?P<before>{_BEFORE})?(?P<number>\d{{1,4}})(?P<after>{_AFTER})?")
_WEIGHTED = re.compile(
    r"t[12](w|wi|c|ce|gd|fs|se|tse|ir|ffe|star|map|post|pre|spc|flair|rho|weighted)?|t1t2|(f|t)[es]\d?d?"
)
_KERNEL = re.compile(r"(b|br|bl|bf|bv|hr|hv|h|i|qr|q|d|u|fc|sa|hd|tr|ur)\d{2}[sfhm]?[d]?")
_ORDINAL = re.compile(r"0\d{1,3}")
_DATE = re.compile(r"(?<!\d)\d{1,4}([-./ _])\d{1,2}\1\d{1,4}(?!\d)")
_TOKEN = re.compile(r"[^\W_]+")
_SIGNS = frozenset(" _-+*./\\,:;()<>=%&")


def is_term(token: str) -> bool:
    """Whether one word, without blanks or signs, says something about an image and nothing about a person."""
    word = token.casefold()
    if not word.isascii():
        return False
    if (
        len(word) == 1
        or word in TERMS
        or _WEIGHTED.fullmatch(word)
        or _KERNEL.fullmatch(word)
        or _ORDINAL.fullmatch(word)
    ):
        return True
    glued = _GLUED.fullmatch(word)
    return glued is not None and _is_small(glued["number"])


def code_or_none(text: str) -> str:
    """A coded value as a header gives it, to be told to people; "(not a known one)" for anything that is no code."""
    said = text.strip()
    tokens = _TOKEN.findall(said)
    known = said in CODES or (bool(tokens) and all(token in CODES or is_term(token) for token in tokens))
    return said if known else "(not a known one)"


def without_names(text: str, instead: str = "") -> str:
    """A text with nothing left but terms and small numbers; empty when it holds what may be a date.

    Args:
        text: any text.
        instead: stands where a word was taken out.
    """
    if has_date(text):
        return ""
    tokens = _TOKEN.findall(text)
    if _initials(tokens):
        tokens = [token for token in tokens if len(token) > 1 or token.isdigit()]
    kept = set(tokens)
    left = _TOKEN.sub(lambda found: found[0] if found[0] in kept and is_term(found[0]) else instead, text)
    left = "".join(char for char in left if char.isascii() and (char.isalnum() or char in _SIGNS))
    if not _TOKEN.search(left):
        return ""
    return " ".join(left.split()).strip(" _-.,;:/()[]<>&'\"^=@#\\")


def only_terms(text: str) -> bool:
    """Whether a text holds nothing that :func:`without_names` would take out."""
    tokens = _TOKEN.findall(text)
    return (
        text.isascii()
        and bool(tokens)
        and all(map(is_term, tokens))
        and not has_date(text)
        and not _initials(tokens)
        and not {"^", "@"} & set(text)
    )


def has_date(text: str) -> bool:
    """Whether three numbers stand together as in a date."""
    return _DATE.search(text) is not None


def _is_small(digits: str) -> bool:
    """Up to three digits, or a round number of four that is no year: no record number, no year of birth."""
    return len(digits) < 4 or digits.startswith("0") or (int(digits) % 100 == 0 and not 1880 <= int(digits) <= 2100)


def _initials(tokens: list[str]) -> bool:
    """Whether two letters stand next to one another by themselves, as initials do."""
    alone = [len(token) == 1 and token.isalpha() for token in tokens]
    return any(one and other for one, other in pairwise(alone))
