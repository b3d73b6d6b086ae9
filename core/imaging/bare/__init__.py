"""An image file written anew with its pixels and what reading it needs, and with nothing else: how images are kept."""

from core.imaging.bare.write import Code, bare, hinted_name

__all__ = ["Code", "bare", "hinted_name"]
