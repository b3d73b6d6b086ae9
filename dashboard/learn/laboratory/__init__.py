"""The laboratory on the page Learn: a lesion and a picture quality of one's own, and what the models make of them."""
