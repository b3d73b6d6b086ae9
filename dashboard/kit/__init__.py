"""What several pages share: frame, session's cases, engine, viewer, words."""
