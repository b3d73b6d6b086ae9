"""Several readers, several cases: studies compared, planned and dealt out, and what advice did to their readers."""
