"""What is refused, where the code says so, and the smallest program that meets each refusal."""
