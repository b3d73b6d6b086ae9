"""The picture viewer: a client in the browser (``src/``), and what it is sent from here."""
