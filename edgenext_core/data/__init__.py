"""Data sets as people have them, and the views of their pictures that networks train on."""
