"""Inputs of models. The same code trains and serves."""
