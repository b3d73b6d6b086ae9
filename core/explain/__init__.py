"""Heat maps: where in the image a network found its answer."""
