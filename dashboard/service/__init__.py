"""What other programs talk to: the HTTP interface, in the process of the pages, and the DICOM node, on its own."""
