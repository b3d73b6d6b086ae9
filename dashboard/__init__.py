"""The browser side of Overread: pages, a folder of parts for each, and the kit they share."""
