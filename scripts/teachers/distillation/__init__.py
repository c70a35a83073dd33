"""The PyTorch run that made the teachers' probabilities and the first students."""
