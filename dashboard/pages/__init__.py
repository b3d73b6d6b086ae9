"""The pages: each fetches, then calls the parts in its own folder."""
