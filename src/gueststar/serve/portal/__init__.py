"""The portal: server-rendered pages over a store, for one person or one team.

Public: :func:`~gueststar.serve.portal.app.create_app` (an ASGI application) and
:func:`~gueststar.serve.portal.run.run_portal` (the application with its server).
"""
