"""A real server of S3's protocol (moto) for tests: a port, a bucket, and a switch."""

from contextlib import contextmanager

import pytest

KEYS = {
    "AWS_ACCESS_KEY_ID": "tester",
    "AWS_SECRET_ACCESS_KEY": "secret-of-the-tester",
    "AWS_REGION": "us-east-1",
}
BUCKET = "stamps"


class Server:
    """An S3 at ``endpoint``; it forgets nothing while it is away."""

    def __init__(self, port=0):
        pytest.importorskip("obstore", reason="no obstore: extra s3")
        self._port = port
        self.back()

    def back(self):
        moto = pytest.importorskip("moto.server", reason="no moto: extra dev")
        self._server = moto.ThreadedMotoServer("127.0.0.1", self._port, verbose=False)
        self._server.start()
        _, self._port = self._server.get_host_and_port()

    def away(self):
        self._server.stop()

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self._port}"

    def client(self):
        import boto3

        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        )

    def keys(self, prefix):
        found = self.client().list_objects_v2(Bucket=BUCKET, Prefix=prefix)
        return [one["Key"] for one in found.get("Contents", ())]


@contextmanager
def running():
    server = Server()
    server.client().create_bucket(Bucket=BUCKET)
    try:
        yield server
    finally:
        server.away()
