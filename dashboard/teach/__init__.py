"""Parts of the page Teach."""
