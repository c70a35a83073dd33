"""The networks of the run: four teachers and the student."""
