"""Data sets of the three tasks: the synthetic world, image folders, and their transforms."""
