"""The streams that should belong together, and the length in which they are looked at."""

STREAMS = ("expression", "gaze", "pose")
OTHERS = {name: tuple(other for other in STREAMS if other != name) for name in STREAMS}
"""The two streams that a stream is compared with; the matcher has an output for each, in this order."""
WINDOW = 32
"""Frames at 25 fps (1.28 s) that are looked at together: every clip is cut to these, so that its length says nothing."""
STARTS = "starts"
"""The array of a clip's outputs that tells each window's first frame."""
