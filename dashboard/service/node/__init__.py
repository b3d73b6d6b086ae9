"""The DICOM node: a process of its own that receives images, lets them be read, and sends results back."""
