"""The REST API: everything that a store can be asked, for programs.

Each question is declared once, in :mod:`~gueststar.serve.api.operation`: its parameters are
checked and documented by the same declaration. :mod:`~gueststar.serve.api.access` alone decides
which rows a request may see.
"""
