"""What people decide about cases, kept so that nothing is lost and nothing can be changed unseen."""
