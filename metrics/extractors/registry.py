"""Every video extractor by name. Nothing heavy is imported before an extractor is asked for."""

from __future__ import annotations

from importlib import import_module

from bench.contract.seen import VideoExtractor
from metrics.options import choose

EXTRACTORS: dict[str, str] = {
    "cohesion": "metrics.extractors.cohesion:CohesionFeatures",
    "head_pose_6drepnet": "metrics.extractors.head_pose_6drepnet:HeadPose6DRepNet",
    "warp": "metrics.extractors.warp:WarpError",
    "sharpness": "metrics.extractors.sharpness:Sharpness",
    "i3d": "metrics.extractors.i3d:I3DLogits",
    "inception": "metrics.extractors.inception:InceptionFeatures",
    "inception_five": "metrics.extractors.inception_five:InceptionFive",
    "inception_five_bgr": "metrics.extractors.inception_five:InceptionFiveSwapped",
    "identity_sface": "metrics.extractors.identity:SFaceEmbedding",
    "identity_arcface": "metrics.extractors.identity:ArcFaceEmbedding",
    "emotion_judge": "metrics.extractors.emotion_judge:EmotionJudge",
    "gaze_xgaze": "metrics.extractors.gaze_xgaze:GazeXGaze",
    "geometry_judge": "metrics.extractors.geometry_judge:GeometryJudgeExtractor",
    "sync_expert": "metrics.extractors.sync_expert:SyncExpertFeatures",
    "syncnet": "metrics.extractors.syncnet:SyncNetFace",
    "syncnet_whole": "metrics.extractors.syncnet:SyncNetWhole",
    "syncnet_aligned": "metrics.extractors.syncnet:SyncNetAligned",
    "syncnet_tracks": "metrics.extractors.syncnet:SyncNetTracks",
}
"""Name -> "module:Class"; the name is the class's own `name`."""


def extractor_class(name: str) -> type[VideoExtractor]:
    """The class of the extractor `name`; UsageError with the nearest name for an unknown one."""
    module, _, attribute = EXTRACTORS[choose("extractor", name, EXTRACTORS)].partition(":")
    return getattr(import_module(module), attribute)
