"""Parts of the Read page."""
