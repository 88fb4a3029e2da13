"""The two judges of emotion: one sees pictures of the face, the other its cues. Both are trained on real clips alone."""
