"""Runs the models of a system on a study. ``Engine`` is shared by all sessions of a process."""
