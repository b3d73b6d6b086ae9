"""What a hospital's committee files: what the program is made of, under which licences, and what its models can do."""
