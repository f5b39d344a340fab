"""Training: recipes, one Lightning module for all tasks, and the run."""
