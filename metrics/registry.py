"""Every metric by the name it has in tables.

Importing this module, or listing the metrics, loads no image, learning or table library: a metric imports such things
inside its functions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bench.contract.metric import Metric
from metrics.beats import Beat
from metrics.blink import BlinkDuration, BlinkRate
from metrics.cohesion.metric import Cohesion
from metrics.cpbd import CPBD
from metrics.csim import CSIM, CSIMSFace, CSIMSFaceToPortrait, CSIMToPortrait
from metrics.diversity import FaceDiversity, PoseDiversity
from metrics.emotion import (
    EmotionAccuracy,
    EmotionF1,
    GeometryEmotionAccuracy,
    GeometryEmotionF1,
    JudgeAgreement,
)
from metrics.fd5 import FiveFrameFrechet
from metrics.fid import FID
from metrics.fvd import FVD
from metrics.gaze import GazeJS
from metrics.gaze_coupling import GazeHead
from metrics.gaze_events import FixationDuration, SaccadeAmplitude, SaccadeRate
from metrics.gaze_reliability import GazeReliability
from metrics.gaze_sw import GazeSW
from metrics.gaze_transitions import GazeTransitions
from metrics.kid import KID
from metrics.lmd import FaceLMD, MouthLMD
from metrics.lpips import LPIPS
from metrics.lvd import FaceLVD, MouthLVD
from metrics.mouth_sync import MouthCorrelation, MouthLag, MouthSound, MouthSoundLag
from metrics.options import choose
from metrics.pose_distance import PoseW1
from metrics.pose_motion import PoseMean, PoseRange, PoseSpeed, PoseSpread
from metrics.pose_second_opinion import PoseSecondOpinion
from metrics.pose_spectrum import PoseSpectrum
from metrics.psnr import PSNR
from metrics.ssim import SSIM
from metrics.stability import Jitter, WarpE
from metrics.sync_expert.metric import SyncConfidence, SyncDistance, SyncDistanceAtZero, SyncOffset
from metrics.syncnet.metric import LSEC, LSED, LSED0, AVOffset

METRICS: dict[str, type[Metric]] = {
    cls.name: cls
    for cls in (
        SSIM,
        PSNR,
        LPIPS,
        CPBD,
        FID,
        KID,
        FVD,
        FiveFrameFrechet,
        CSIM,
        CSIMToPortrait,
        CSIMSFace,
        CSIMSFaceToPortrait,
        MouthLMD,
        FaceLMD,
        MouthLVD,
        FaceLVD,
        WarpE,
        Jitter,
        FaceDiversity,
        PoseW1,
        PoseSecondOpinion,
        PoseMean,
        PoseSpread,
        PoseRange,
        PoseSpeed,
        PoseSpectrum,
        PoseDiversity,
        Beat,
        GazeJS,
        GazeSW,
        GazeTransitions,
        FixationDuration,
        SaccadeRate,
        SaccadeAmplitude,
        GazeHead,
        GazeReliability,
        BlinkRate,
        BlinkDuration,
        EmotionAccuracy,
        EmotionF1,
        GeometryEmotionAccuracy,
        GeometryEmotionF1,
        JudgeAgreement,
        LSED,
        LSEC,
        LSED0,
        AVOffset,
        SyncDistance,
        SyncConfidence,
        SyncDistanceAtZero,
        SyncOffset,
        MouthLag,
        MouthCorrelation,
        MouthSound,
        MouthSoundLag,
        Cohesion,
    )
}
"""Name -> class, in the order of table columns."""
OPTIONAL = ("FVD", "FD-5f")
"""Known, but in no default table: a protocol that wants one names it."""


def protocol_keys() -> tuple[str, ...]:
    """Every option that some metric reads, "<group>.<argument>", sorted."""
    return tuple(sorted({key for cls in METRICS.values() for key in cls.protocol_keys}))


def get_metrics(names: Iterable[str] | None = None, options: Mapping[str, str] | None = None) -> list[Metric]:
    """The metrics `names` (None: all, in table order), built with the protocol `options` they read.

    An option that is not given takes the metric's default; an option that no metric knows, an unknown value or an
    unknown name is a UsageError with the nearest one and the list. Options of metrics that were not asked for are
    allowed, so that one protocol serves every choice of columns.
    """
    options = dict(options or {})
    for key in options:
        choose("metric option", key, protocol_keys())
    wanted = list(METRICS) if names is None else [choose("metric", name, METRICS) for name in names]
    return [_build(METRICS[name], options) for name in dict.fromkeys(wanted)]


def _build(cls: type[Metric], options: Mapping[str, str]) -> Metric:
    return cls(**{key.split(".", 1)[1]: options[key] for key in cls.protocol_keys if key in options})
