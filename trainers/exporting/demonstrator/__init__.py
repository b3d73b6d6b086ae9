"""One model in one HTML file, running in the browser without a network."""
