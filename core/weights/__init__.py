"""What lies in ``weights/``, read in one place: cards, weights, stored predictions, fusion rules, checks, repeats."""
