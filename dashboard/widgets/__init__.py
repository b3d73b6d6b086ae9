"""Parts of the pages: each module draws one thing."""
