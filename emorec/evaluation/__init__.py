"""Evaluation of models: metrics, comparison, plots and reports."""
