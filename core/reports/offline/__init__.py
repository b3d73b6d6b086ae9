"""A quiz as one HTML file that needs no server and no network: simulated cases only."""

from core.reports.offline.quiz import OfflineCase, offline_quiz, refuse

__all__ = ["OfflineCase", "offline_quiz", "refuse"]
