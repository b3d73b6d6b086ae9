"""Words that name an image and nobody: what may stay of a free text or a file name.

A list of what is allowed, not of what is forbidden: names come in every script, as initials, with numbers glued on, and
no list of those ends. A word that is missing here is lost from a label; the picture is not.
"""

from __future__ import annotations

import re

_WORDS = """
a about acme ac acq acquired acquisition adc after all an anat anatomy and angio angiography annotation ap app arm
arterial artery as asl at atten attenuation aug auto average averaged av axial axials ax b background ball base baseline
bed beds before bffe bh bilat bilateral bladder bladed blank blend block blood body bold bolus bone both bottom box brain
brainstem breast breasts breath breathhold breathing bright bw by bypass c calcium calf canon cardiac case cbf cbv cc
ce cerebral cervical chest cine clean clear clinic coil col collection colour color combined combo comp
compressed cone contrast control coro coronal cor coronary corr corrected correction count counts cropped crop cross
cs csf csi csp cspine ct cta ctac cube cut d data dce deep default deformed delay delayed demo derived detail dev dicom
diff diffusion dir discovery dixon dl dose double dti dual duo dwi dx dyn dynamic e early ecg echo eclipse edge eeg elbow
emission ep epi epi2d equilibrium error es et exam example exhale exp export ext extremity eye f fa face factor fast
fat fatsat fb fdg fe fed ffe fgre field fiesta fifth file filt filter filtered final fine first flair flash flip flow
fmri foot for fourth fov fr frame frames free from frontal fs fse fsgr fspgr ft fuji fujifilm full fused fusion g ga
gad gado gadovist gain gate gated ge gel general gluteal gre grey gray gradient grid group gs gt h half hand haste
hd he head healthineers heart helical helix hemangioma hepatic hi high hip hips hires hitachi hr hrct hs i iac icon
ideal im ima image images imaging img imgs in inc inf inferior inflow inhale initial inject injection inner inp inphase
input insp inspiration int intensity inv inverse inversion ir irm iso isotropic ivim k kernel kidney kidneys knee kv l
label labels lac large lat lateral late lava left leg legs lesion lesions level lightspeed limb line liver lo loc
local localiser localizer logiq long longitudinal loop low lower lspine lt lumbar lung lungs m mag magn magnitude mammo
map maps marked mask masked masks mas max maximum mcf mean measured med medial mediastinum medical medium mid min
minimum minip mip mips mixed mm mode model moco mono mosaic motion mov mpr mprage mprange mr mra mri mrt mrv
mrcp ms multi multiplanar muscle n nac native nav neck needle neg negative nerve neuro new nifti nii no noise non
none norm normal not nose nu null o obl oblique off old on one op opp opphase oppose orbit orbits ordinary orig original
other out outphase outer output ov overlay overview p pa pair pancreas par parallel parametric part pass patient pause pc
pca pd pdw peak pelvic pelvis perf perfusion pet petct petmr ph phantom phase phased phases philips physio pilot plain
plan plane planes planning plus pm png point portal portovenous pos position positive post postcontrast pre
precontrast prep prepped preview primary prob probability processed projected projection prone propeller proset prostate
protocol proton ps pt pulm pulmonary pulse pw q qc qform quant quick r radial random range rapid rate ratio raw real
recon reconstructed reconstruction record ref reference reg registered reformat region rel relative removed rep repeat
report research res resampled rescan respiration respiratory resp rest result results retro reverse rf rgb
right roi rois rot rotated routine rpe rt run s sag sagittal sample sat saturation save saved scan scanner scans scatter
scout screen screening screenshot se sec second secondary section seg segment segmentation segmentations segmented sel
select sense seq sequence sequential sequences ser series set sets sharp shim short shoulder siemens signal signa sim
simple simulated sinus sinuses single site size skull slab slice slices slow small smart smartscore smooth smoothed
soft sos space spair spatial spect spectral spgr spin spine spinal spiral spleen split spoiled src ssfp ssfse sta
standard start state static std ste stent step stereo stir stomach stop store stress structural study sub subject
subset subtracted subtraction sum sup superior supine supria surv survey suv suvbw suvs swan swi swip sym syn synthetic
system systems syngo t table target tag tagged te technique temp temporal test tests tfe tfl the thick thickness thin
third thigh thorax thoracic three thrive tibia tilt time timing tir tirm tissue to tof top toshiba total tp tpl tr
trace tra track tract train transaxial transversal transverse trial trig trigger triggered true trufi tse tspine tte
tumor tumors tumour tumours turbo two twist type u ultra ultrashort uncorrected undefined uniform unit unknown up
upper us uterus v val valid value values var vein venous vent ventricle ver version vert vessel vibe vista volume
volumes vol vs w warp water wb wbc week weighted wet wfi whole wholebody wide width window with without work wrist
x y yes z zero zip zoom zoomed
abdomen abdominal ankle aorta bowel carotid colon ear elscint femur fistula gallbladder gland groin humerus jaw joint
larynx lymph node nodes nodule nodules oesophagus oral ovary parotid pharynx renal rib ribs rectum sella shunt skin soc
spect thyroid trachea ureter vascular wall
arm kopf thorax becken hals wirbel bauch lunge leber herz schulter knie sagittale axiale koronar transversale
kontrast nativ venoes arteriell weichteil knochen tete thorax bassin cou foie coeur genou axiale coronale injecte
cabeza torax pelvis cuello higado corazon rodilla contraste hoofd borst buik lever schedel wervel blanco
b txt notes note sr waveform pdf csv html xml docx doc old text rtstruct rtdose rtplan gdcm lossless lossy truncated truncate damaged broken bad corrupt mono16 sc j2k jls rle b abc est gz jpeg jpg json tar tif tiff bmp dcm ima gif mgz nrrd csv tsv
flirt ants bet fcm ftf feet dcmqi pydicom
dotarem gadolinium gadoterate gadobutrol isovue iohexol iopamidol iodixanol magnevist multihance omnipaque omniscan
optiray prohance ultravist visipaque xenetix eovist primovist iodine oral iv ml fluorodeoxyglucose psma dotatate fluoride
choline gallium ga68 f18 fdopa flt fet met rubidium
aera avanto skyra prisma vida trio verio biograph mct vision somatom force definition flash sensation symphony sola
altea espree magnetom ingenia achieva intera ambition elition iqon brilliance ingenuity revolution optima gemini
aquilion vantage titan orian echelon oasis geminitf discoverymr signahde voyager
ultimate drive go all perform scope edge plus xcite eclipse allegra emotion perspective confidence advance
osem tof psf ossem fbp asir veo admire safire idose imr aidr dlir truex bsrem vpfx vpfxs vpfxss ssrb awtos ramla
start admin decy dcal decf norm atn scat dtim motn clip ranr randoms attn dwell
axl fl2d fl3d fl3d1 se2d tse2d gre3d ep2d ep3d tfl3d spc resolve blade radiomics calcs dynava ivus bae brav bravo
fspgr vasc medic ciss dess grase hyperecho me2d tgse scic pure prescan clear homogeneous uniformity
epicardial obstetrical emission transmission localiser dualenergy monoenergetic virtual noncontrast vnc iodinemap
siemenshealthineers gehealthcare healthcare cms agfa gevaert carestream konica minolta hologic bruker esaote mindray
samsung sonosite neusoft united uih umi mediso elekta varian accuray fonar paramed time0
"""

TERMS = frozenset(_WORDS.split())

# A number with what it counts or what it is counted in: b1000, te80, 3d, 5mm, t1w, B70f. Names are no such letters.
_BEFORE = "b te tr ti fa fov p s e r g i im img ima se ser sl slice image phase bw nex ch ph ep seg t is d c v lv no x fr w z".split()
_AFTER = "d mm cm ms kv kvp mas ma ch deg min sec s ml mbq t tesla x p hr bit ns dir dirs th st nd rd w".split()
_GLUED = re.compile(rf"(?P<before>{'|'.join(_BEFORE)})?(?P<number>\d{{1,4}})(?P<after>{'|'.join(_AFTER)})?")
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
    return any(one and other for one, other in zip(alone, alone[1:], strict=False))
