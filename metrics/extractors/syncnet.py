"""Embeddings of pictures and sound by the official SyncNet, one extractor for each way to crop."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np

from bench.contract.errors import Reason, Unscorable
from bench.contract.seen import Arrays, Video
from metrics.syncnet import crop, sound
from metrics.syncnet.modes import reference_windows
from metrics.syncnet.tracks import MIN_CONFIDENCE, MIN_FACE, MIN_TRACK, Track, tracks_of

WEIGHTS = "syncnet_v2"
DETECTOR = "sfd_face"
SILENCE = 1e-3
"""Peak amplitude under which a track has no speech (-60 dBFS)."""


class SyncNetExtractor:
    """Shared by all of them: weights are loaded at first use in each process and do not travel with the object."""

    name: ClassVar[str]
    VERSION: ClassVar[str] = "1"
    needs: ClassVar[tuple[str, ...]] = (WEIGHTS,)
    experts: ClassVar[tuple[str, ...]] = ()
    takes: ClassVar[frozenset[str]] = frozenset({"frames", "audio"})
    portrait: ClassVar[bool] = False

    def __init__(self, weights: Mapping[str, Path], device: str = "cpu"):
        self._weights, self._device = {name: Path(weights[name]) for name in self.needs}, device
        self._net = None

    def __getstate__(self) -> dict:
        return {"_weights": self._weights, "_device": self._device, "_net": None}

    def __call__(self, video: Video) -> Arrays:
        """What the class says; Unscorable no-audio, shorter-than-window and what the crop finds."""
        if video.audio is None:
            raise Unscorable(Reason.NO_AUDIO, "SyncNet compares pictures with sound; this video has none")
        return self.embeddings(video, sound.sixteen_bit(video.audio))

    def embeddings(self, video: Video, samples: np.ndarray) -> Arrays:
        raise NotImplementedError

    def see(self, pictures: np.ndarray) -> np.ndarray:
        """(T, 224, 224, 3) uint8 RGB -> (T - 4, 1024) float32."""
        from metrics.syncnet.model import embed_pictures

        return embed_pictures(self.net, pictures[..., ::-1])

    def hear(self, samples: np.ndarray) -> np.ndarray:
        """(N,) int16 -> (W, 1024) float32, W = (cepstral frames - 20) // 4 + 1."""
        from metrics.syncnet.model import embed_sound

        return embed_sound(self.net, sound.mfcc(samples))

    @property
    def net(self):
        if self._net is None:
            from metrics.syncnet.model import load

            self._net = load(self._weights[WEIGHTS], self._device)
        return self._net


class SyncNetFace(SyncNetExtractor):
    """The corrected mode's view: visual (T - 4, 1024), NaN for windows with an unseen face; audio (W, 1024), all windows.

    The crop has the geometry that SyncNet was trained with, around this video's own landmarks (metrics/syncnet/crop.py).
    Unscorable: no-speech, no-face, shorter-than-window.
    """

    name = "syncnet"
    takes = frozenset({"frames", "audio", "cues"})

    def embeddings(self, video: Video, samples: np.ndarray) -> Arrays:
        peak = np.abs(samples.astype(np.int32)).max(initial=0) / sound.FULL_SCALE
        if peak < SILENCE:
            raise Unscorable(
                Reason.NO_SPEECH, f"the sound never exceeds {SILENCE:g} of full scale, its peak is {peak:.2g}"
            )
        need_windows(len(video.frames), len(samples))
        places = crop.face_places(video.cues.landmarks, video.cues.valid)
        seen = crop.on_picture(places, video.frames.shape[1:3])
        if not seen.any():
            raise Unscorable(Reason.NO_FACE, f"no landmarks in any of {len(seen)} frames")
        pictures = np.zeros((len(seen), crop.SIZE, crop.SIZE, 3), np.uint8)
        for frame in np.flatnonzero(seen):
            pictures[frame] = crop.cut(video.frames[frame], places[frame])
        visual = self.see(pictures)
        pictures_of_window = np.lib.stride_tricks.sliding_window_view(seen, len(seen) - len(visual) + 1)
        visual[~pictures_of_window.all(1)] = np.nan
        return {"visual": visual, "audio": self.hear(samples)}


class SyncNetWhole(SyncNetExtractor):
    """Wav2Lip's LRS view: whole frames squeezed to 224 px; visual and audio (T - 5, 1024), tracks [[0, T - 5]].

    Silence is embedded like any sound, as in the reference. Unscorable: shorter-than-window.
    """

    name = "syncnet_whole"

    def embeddings(self, video: Video, samples: np.ndarray) -> Arrays:
        count = reference_windows(len(video.frames), len(samples))
        need_windows(len(video.frames), len(samples), count)
        visual = self.see(np.stack([crop.whole(frame) for frame in video.frames[: count + 4]]))
        return {"visual": visual, "audio": self.hear(samples)[:count], "tracks": np.array([[0, count]])}


class SyncNetAligned(SyncNetExtractor):
    """EAT's view: 224 px around eyes and mouth, the mouth held in place; visual and audio (T - 5, 1024), tracks [[0, T - 5]].

    Its landmarks are MediaPipe's here, and nothing is recompressed on the way. A clip with a frame without a face has no
    value, as in EAT's evaluator. Unscorable: no-face, shorter-than-window.
    """

    name = "syncnet_aligned"
    takes = frozenset({"frames", "audio", "cues"})

    def embeddings(self, video: Video, samples: np.ndarray) -> Arrays:
        landmarks = video.cues.landmarks
        seen = video.cues.valid & np.isfinite(landmarks[:, : crop.N_MESH, :2]).all((1, 2))
        if not seen.all():
            raise Unscorable(
                Reason.NO_FACE,
                f"{int((~seen).sum())} of {len(seen)} frames without a face; the published evaluator gives such a clip up",
            )
        count = reference_windows(len(video.frames), len(samples))
        need_windows(len(video.frames), len(samples), count)
        pairs = zip(video.frames[: count + 4], crop.mouth_held(landmarks), strict=False)
        visual = self.see(np.stack([crop.warped(frame, affine) for frame, affine in pairs]))
        return {"visual": visual, "audio": self.hear(samples)[:count], "tracks": np.array([[0, count]])}


class SyncNetTracks(SyncNetExtractor):
    """Wav2Lip's real-video view: S3FD's face tracks, cropped as the reference does; visual and audio (sum of T - 5, 1024).

    tracks (n, 2) int: first row and row after the last of each. The video is taken as one shot, and nothing is recompressed
    on the way. Unscorable: no-face, too-few-frames (no track of more than 100 frames), shorter-than-window.
    """

    name = "syncnet_tracks"
    needs = (WEIGHTS, DETECTOR)

    def __init__(self, weights: Mapping[str, Path], device: str = "cpu"):
        super().__init__(weights, device)
        self._detector = None

    def __getstate__(self) -> dict:
        return super().__getstate__() | {"_detector": None}

    @property
    def detector(self):
        if self._detector is None:
            from metrics.syncnet.s3fd import load

            self._detector = load(self._weights[DETECTOR], self._device)
        return self._detector

    def embeddings(self, video: Video, samples: np.ndarray) -> Arrays:
        from metrics.syncnet.s3fd import detect

        boxes = [detect(self.detector, frame) for frame in video.frames]
        if not any(len(found) for found in boxes):
            raise Unscorable(Reason.NO_FACE, f"S3FD saw no face above {MIN_CONFIDENCE} in {len(boxes)} frames")
        found = tracks_of(boxes)
        if not found:
            raise Unscorable(
                Reason.TOO_FEW_FRAMES,
                f"no face track of more than {MIN_TRACK} frames and {MIN_FACE} px in {len(boxes)} frames; the reference "
                "drops such clips without a word",
            )
        parts = [self._of_track(track, video.frames, samples) for track in found]
        ends = np.cumsum([len(visual) for visual, _ in parts])
        return {
            "visual": np.concatenate([visual for visual, _ in parts]),
            "audio": np.concatenate([audio for _, audio in parts]),
            "tracks": np.stack([ends - [len(visual) for visual, _ in parts], ends], 1),
        }

    def _of_track(self, track: Track, frames: np.ndarray, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        start, size = track.first, sound.SAMPLES_PER_PICTURE
        heard = samples[start * size : (start + len(track)) * size]
        count = reference_windows(len(track), len(heard))
        need_windows(len(track), len(heard), count)
        places = track.places[: count + 4]
        pictures = np.stack([crop.cut(frames[start + n], place) for n, place in enumerate(places)])
        return self.see(pictures), self.hear(heard)[:count]


def need_windows(pictures: int, samples: int, windows: int = 1) -> None:
    """Unscorable shorter-than-window unless there are five pictures, 0.215 s of sound and a window of both."""
    if pictures < 5 or samples < sound.SHORTEST or windows < 1:
        raise Unscorable(
            Reason.WINDOW_TOO_SHORT,
            f"a window takes 5 pictures and {sound.SHORTEST} samples (and in the reference modes one picture more); "
            f"got {pictures} and {samples}",
        )
