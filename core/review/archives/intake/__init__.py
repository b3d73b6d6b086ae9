"""What an import is made of: folders, zips, sheets and uploads, found and joined."""
