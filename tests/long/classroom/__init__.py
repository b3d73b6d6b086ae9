"""A whole class at once, on phones that draw nothing and in real browsers; see ``__main__``."""
