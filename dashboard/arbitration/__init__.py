"""Parts of the Arbitration page."""
