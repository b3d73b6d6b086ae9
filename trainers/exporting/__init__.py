"""Models for other programs: what a file answers, the formats, and the check that each file is the model."""
