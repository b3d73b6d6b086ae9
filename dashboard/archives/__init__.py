"""Parts of the Archives page."""
