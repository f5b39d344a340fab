"""How right and how fast models are: one implementation for validation, files and messages."""
