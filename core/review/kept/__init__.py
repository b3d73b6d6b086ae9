"""Images that the store keeps, by content, and how to tell one that is kept already."""
