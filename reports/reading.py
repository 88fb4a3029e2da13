"""How to read each metric: what it compares, what moves it, what it cannot see."""

from __future__ import annotations

from dataclasses import dataclass

from reports.columns import Column
from reports.media import is_truth
from reports.table import Table
from reports.words import ARROW_MEANING, number, printable

READING = {
    "SSIM": "Compares brightness, contrast and fine structure of each frame with the real frame at the same place; 1 is the same "
    "picture. A right expression two pixels aside scores low, a still face on the right background scores high: look at the "
    "static row before being impressed. Blind to timing as such and to sound.",
    "PSNR": "Mean squared pixel error of each frame against the real one, on a logarithmic scale: 6 dB more is half the typical error. "
    "Ruled by the large areas, background and hair; the mouth hardly counts. A clip that is the real one to the last bit has no "
    "error, so its value is the largest that the definition allows.",
    "LPIPS": "How different two frames look to a network whose judgement was fitted to people's: 0 is the same picture, two rendered "
    "heads are about 0.3 apart. Forgives small shifts that ruin PSNR, and is not fooled by blur. Frame by frame: blind to flicker and "
    "to sound.",
    "CPBD": "The share of edges that look sharp in the generated video by itself, 0 to 1. Aim for the real clips' value: noise and "
    "over-sharpening raise it above. Knows nothing of who is seen or of what is said.",
    "FID": "How far apart the crowds of real and generated frames lie for an image network, fitted as two normal clouds. 0 is the same "
    'crowd. With few frames most of the value is bias: compare only rows of the same n, and "value at floor n" with the floors under the '
    "table; rank by KID.",
    "KID": "The same question without the bias of few frames; 0 is no difference and small negative values are chance. Frames of one "
    "clip are never compared with each other, so being like one's own real clip is not what counts. Says nothing about single clips.",
    "FVD": "FID for motion: runs of 16 frames seen by a network for actions. 0 is the same crowd of movements. Needs hundreds of runs "
    "before it means much, and hears nothing.",
    "FD-5f": "A Frechet distance of five frames per clip, colours as the protocol says. It is not FID: other frames, under eat-like "
    "other colours too, and mostly bias at such counts. Only for reading beside FID, to see what frames and colours alone do.",
    "CSIM": "Whether a face recogniser takes the generated face for the real one at the same time: 1 is the same picture, two real "
    "people lie near 0, two rendered heads of this dataset at about 0.5. Does not care what the face does, so a still portrait "
    "scores high.",
    "CSIM-ref": "CSIM against the portrait that the method was given. The real clips' own value is the ceiling: an expression makes "
    "a face a little less like its neutral portrait.",
    "CSIM-S": "CSIM with a second recogniser, under a licence that allows commercial use. Where the two disagree, trust neither.",
    "CSIM-S-ref": "CSIM-ref with the second recogniser: the generated face against the portrait.",
    "WarpE": "Flicker: what differs between neighbouring frames after motion is taken out, in gray levels of 255. Match the real clips: "
    "0 is a still or over-smoothed video, more than real is shimmer. Sharp textures cost a little by themselves.",
    "Jitter": "How much the face's points tremble, faster than a mouth or a head moves, in px. The landmark detector trembles too, so the "
    "real clips are not at 0; more than theirs is trembling one can see, less is a frozen or smoothed face.",
    "M-LMD": "How far the 20 lip points lie from the real ones, after each mouth is centred on itself: shape and opening of the mouth, "
    "frame by frame. 0 is the same mouth. A method that says the right words half a second late scores badly; head movement "
    "enters only as far as it turns or tilts the mouth.",
    "F-LMD": "M-LMD over all 68 face points: brows, eyes, jaw and lips, and the head's turn and tilt, which move all points. 0 is the "
    "same face at the same pose.",
    "M-LVD": "How far the lip points' movement from one frame to the next differs from the real one: the rhythm of the mouth. A still "
    "mouth is wrong by the whole real movement; a trembling one is punished, which M-LMD forgives.",
    "F-LVD": "M-LVD over all 68 face points: rhythm and smoothness of head and face. Frames in random order give very large values.",
    "Gaze-JS": "Whether the eyes look where the real ones look, as often: the gaze maps of each emotion, real against generated. About "
    "0 is as alike as two samples of the same people; below 0 the clips follow the real ones more closely than chance "
    "would. Blind to the order of frames, and to a constant by which all of a speaker's gaze is off.",
    "Gaze-SW": "The question of Gaze-JS without bins, in degrees: how far real gaze would have to be moved to become the generated one. A "
    "shift by d degrees counts as 0.64 d. Small noise that no bin shows counts here.",
    "Gaze-trans": "From where to where the eyes jump: moves between nine regions of gaze. Eyes that never move are a bit apart from real "
    "ones; eyes that jump between the right places in the wrong order are seen here and not in Gaze-JS.",
    "Fix-dur": "How long the eyes rest between two jumps, cut at one second. Compare with the real value beside it: at 25 frames per "
    "second small jumps are missed and noise makes some up, on both sides alike.",
    "Sacc-rate": "Jumps of the eyes per second, of five degrees or more. 0 is a stare; frames in random order give more than ten.",
    "Sacc-amp": "How far the eyes jump, median of the jumps found. Those under five degrees are not among them, so it says nothing of "
    "small ones.",
    "Gaze-head": "Whether the eyes turn against the head while they rest on something, as real eyes must: -1 is perfect, 0 is eyes that "
    "know nothing of the head. Noise of the estimator pulls real eyes to about -0.5.",
    "Gaze-rel": "Whether a second, unrelated estimator sees the same gaze. It says nothing of the method; where it is low, the other "
    "gaze columns measure the estimator.",
    "Blink-rate": "Blinks per minute, counted over all clips together, because a clip of two seconds has one blink or none. Eyes that "
    "never close give 0, which people notice before they can say what is wrong. Blind to when blinks come, and to how.",
    "Blink-dur": "How long the lids stay shut in a blink, on average. Real blinks of the embedded dataset take about an eighth of a "
    "second; one frame more or less is within what the frame rate can tell. Without a whole blink there is no value.",
    "Div-face": "How different the face is, at the same moment, in two clips of one speaker and emotion; what is said counts, the "
    "head's pose does not. 0 means the same clip again and again. More than the real clips is no merit: match them.",
    "Pose-W1": "How far the poses that generated heads take lie from those that real heads take, by emotion, after each speaker's own "
    "average pose is taken out. 0 is what another draw of the same behaviour would give; a little below 0 is better than "
    "chance, not better than real. Knows nothing of the order of frames: a head that trembles through the right poses "
    "scores well, and so does one that holds each clip's average pose.",
    "Pose2-W1": "The distance of Pose-W1 from another network's reading of five frames per clip. Where it tells another story, or its "
    "flag says that the two estimators disagree, believe neither. It reads pixels, so it has no value in cue space.",
    "Pose-mean": "How far the average pose of a generated clip lies from the real clip's, clip by clip. Mostly the pose of the "
    "reference image; a method cannot know it otherwise. Blind to all movement.",
    "Pose-spread": "How far the head strays from its average pose within a clip. A frozen head has 0. Says nothing about speed: a slow "
    "turn and a quick nod may be equal.",
    "Pose-range": "The stretch in which the head spends nine tenths of the clip. Like the spread, but moved by single large turns.",
    "Pose-speed": "How fast the head turns on average, over a fifth of a second at a time. Trembling raises it, smoothing lowers it; but "
    "a head held truly still under a talking face is still read at two fifths of a real one's speed "
    "(docs/metrics-motion.md). Twice the real speed looks nervous, half of it wooden.",
    "Pose-spec": "How much power the movement has as sway, nods, quick movement and trembling, compared with real heads in decibels, "
    "emotion by emotion. A frozen head and frames in random order are both far off, in opposite bands. Blind to where the "
    "head points and to sound.",
    "Div-pose": "How different the head's pose is, at the same moment, in two clips of one speaker and emotion. 0 means one and the "
    "same movement under every sentence. Match the real clips: wild heads are diverse too.",
    "Beat": "Whether the head comes to rest just after the loud moments of the speech, more often than half a second off. 0 is "
    "chance; real heads are only a little above it, and single clips say nothing. Talking shakes the estimate of a still "
    "head in time with the sound, so half of the real value is not yet a nod; a head that does not move has no value.",
    "LSE-D": "How far apart the official SyncNet, trained on news speech, finds lips and sound at the lag where they fit best. Compare "
    "with the real clip's own value: lower than real is no better than real, it is lips that please this network. A constant lag "
    "does not show here; look at AV-offset and LSE-D0.",
    "LSE-C": "How clearly one lag stands out for SyncNet: the middle of the 31 distances minus the smallest. A still or random mouth gives "
    "a flat curve and a value near 0; real speech gives the ground truth's value, and methods trained against this network go above it.",
    "LSE-D0": "The distance of LSE-D with picture and sound as they lie, without looking for the best lag: a method that is right but two "
    "frames late pays for it here and not in LSE-D.",
    "AV-offset": "By how many frames of 40 ms the sound leads the picture (positive) or comes after it (negative) where SyncNet finds them "
    "to fit best. Means little where LSE-C is near 0, for then any lag fits as well as another.",
    "SX-D": "How well mouth and sound fit, in the eyes of a network trained on this dataset's judge-training speakers: mean distance of "
    "the two at the lag that fits best. Read it against the ground truth: much above it stand another sentence's sound and "
    "a still mouth. A constant lag does not show here (SX-offset, SX-D0), and pauses raise it for everybody alike.",
    "SX-C": "How clearly one lag stands out for the dataset's own network: the middle of the 31 distances minus the smallest. Near 0 for a "
    "still mouth, about a third of the real value for another sentence's sound.",
    "SX-D0": "The distance of SX-D with picture and sound as they lie, without looking for the best lag.",
    "SX-offset": "By how many frames of 40 ms the sound leads the picture (positive) or comes after it (negative) where the dataset's own "
    "network finds them to fit best. Means nothing where SX-C is near 0.",
    "Mouth-lag": "By how many frames the mouth opens later than the real one; minus is early. Read it with Mouth-corr: without "
    "correlation the best lag is anywhere. The mouth's shape does not count.",
    "Mouth-corr": "Whether the mouth opens and closes at the same frames as the real one; 1 is the same rhythm, however wide. Another "
    "way to say the sentence, or a constant delay, costs points that nobody hears. A mouth that does not move has no "
    "value.",
    "Mouth-sound": "How closely the mouth's opening follows the loudness of the sound. Real mouths are far from 1, since close vowels are "
    "loud too, and a mouth under another sentence is far from 0, since both are closed before and after the words. More "
    "than the real value is a jaw on a string.",
    "Mouth-sound-lag": "By how many frames of 40 ms, to either side, the mouth must be shifted to fit the loudness best. Real clips "
    "are not at 0 either: compare with them. Means little where Mouth-sound is low.",
    "Emo-acc": "How often a judge that learned from real clips of other people names the emotion of the real clip when it sees the "
    "generated face; sound is not heard. Compare with the judge's own share on real clips, never with 100 %. Playing every "
    "emotion at full strength is rewarded, as it is by people.",
    "Emo-F1": "How well a judge that learned from real clips of other people recognises each emotion, as macro-F1: every emotion counts "
    "alike, and saying one emotion to everything gains nothing. The judge's own value on the real clips is the ceiling. Seeds, levels and "
    "emotions stand under the table; the figure shows what is taken for what.",
    "GeoEmo-acc": "The same question to a second judge that sees no picture: expression scores, landmarks, gaze, lids and head pose "
    "over time. Where it disagrees with Emo-acc, one of the two answers to something other than the expression.",
    "GeoEmo-F1": "The second judge's answers as macro-F1. It also has a value where cues were altered and nothing was rendered.",
    "Judge-agree": "Whether the two judges say the same of the same clips, beyond chance: 1 always, 0 as by chance. Expect what they "
    "reach on real clips. Less says that one of them is fooled by these videos; more is no merit.",
    "Cohesion": "Whether expression, gaze and head of a clip belong together: how often a matcher trained on real clips prefers them to "
    "the same with one taken from another clip of the emotion. 0.5 is a coin toss; the real clips' own value is the goal, and above "
    "it nothing is gained. The estimators tie the three a little by themselves, so even unrelated ones score above a half. "
    "It says nothing of whether they are the right ones.",
}
"""Metric -> three sentences for a reader who meets it for the first time."""


@dataclass(frozen=True)
class Reading:
    """One metric explained: heading, direction, words, and where the scale of this table's controls lies."""

    column: Column
    meaning: str
    words: str
    scale: str


def readings(table: Table) -> list[Reading]:
    """One for each column, in the table's order."""
    return [
        Reading(column, ARROW_MEANING[column.direction], READING.get(column.metric, ""), _scale(table, j))
        for j, column in enumerate(table.columns)
    ]


def _scale(table: Table, j: int) -> str:
    """Where truth, codec and stillness lie: "gt 1.000, gt-reencoded 0.982, static 0.795"."""
    column = table.columns[j]
    parts = []
    for row, line in zip(table.rows, table.cells, strict=True):
        name = row.loaded.result.method.name
        if line[j].value is not None and (
            is_truth(row) or (row.role != "method" and name in ("gt-reencoded", "static"))
        ):
            parts.append(f"{row.label} {number(line[j].value, column.decimals)}")
    return printable(", ".join(parts))
