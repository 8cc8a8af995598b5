"""A schema registry that can be down, or know nothing: a few lines of HTTP."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Registry:
    """Serves one schema under many ids on loopback.

    Attributes
    ----------
    unknown : set of int
        Ids that it answers with 404.
    """

    def __init__(self, schema):
        self.answer = json.dumps({"schema": json.dumps(schema)}).encode()
        self.unknown, self.port, self.server, self.thread = set(), 0, None, None
        self.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                missing = int(self.path.rpartition("/")[2]) in registry.unknown
                self.send_response(404 if missing else 200)
                self.end_headers()
                self.wfile.write(b"" if missing else registry.answer)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_port
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def stop(self):
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.thread.join()
            self.server = None
