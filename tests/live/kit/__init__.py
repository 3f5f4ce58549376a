"""What the live tests share: interpreters, targets, running pyspyc, reading what it wrote."""
