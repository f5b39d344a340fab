"""Weights: what was released, downloads, and files of every origin into models."""
