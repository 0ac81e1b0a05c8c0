"""A simulated Logic App that carries out actions and calls back."""
