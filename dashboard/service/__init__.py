"""The HTTP interface, in the process of the pages: it draws what the engine and the store say, as a page does."""
