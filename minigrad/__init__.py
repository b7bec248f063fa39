"""A reverse-mode autodiff engine and the thin linear networks that it reveals."""
