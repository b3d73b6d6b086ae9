"""Two builds side by side, in alternating processes on one machine: ``python -m tests.long.builds --old COMMIT``."""
