"""Parts of the page Learn, and of the class's."""
