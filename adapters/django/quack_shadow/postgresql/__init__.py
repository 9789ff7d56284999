"""The database backend: django.db.backends.postgresql, and in a shadow request
the session of that shadow."""
