"""Damaged uploads by the thousand: every one must end in a study or in an error that tells, within bounds."""
