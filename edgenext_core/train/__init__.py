"""Training: recipes, one Lightning module per task, and the run."""
