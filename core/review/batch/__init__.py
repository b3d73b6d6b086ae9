"""Scores of a whole folder, without a store: decoded beside the models, kept part by part, resumed where it broke off.

:func:`core.review.batch.score.score` is the way in; :mod:`core.review.batch.parts` says when results are whole.
"""
