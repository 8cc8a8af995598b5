"""gueststar: an open astronomical alert broker with deep learning inside."""

__version__ = "0.1.0"
