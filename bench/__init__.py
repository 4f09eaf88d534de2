"""What README's speed table is made with: each figure beside its ceiling, measured in one run."""
