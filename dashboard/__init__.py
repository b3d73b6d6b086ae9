"""The browser side of Overread: pages and the widgets they call."""
