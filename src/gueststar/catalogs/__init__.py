"""Facts from outside: catalogues of sources, read from files and brought into the store's form."""
