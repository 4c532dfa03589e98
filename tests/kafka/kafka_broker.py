"""A broker with a Kafka listener for one test: started on free ports, stopped in order."""
import contextlib
import pathlib
import signal
import subprocess
import tempfile


@contextlib.contextmanager
def kafka_broker(program):
    """(address of the Kafka listener, pid). The end of the test must find a broker that stops cleanly."""
    with tempfile.TemporaryDirectory() as directory:
        broker = subprocess.Popen(
            [program, "serve", "--data", str(pathlib.Path(directory) / "data"), "--listen", "127.0.0.1:0",
             "--kafka-listen", "127.0.0.1:0", "--set", "log.level=warn"], stdout=subprocess.PIPE, text=True)
        try:
            kind, address = broker.stdout.readline().split()[1:]
            assert kind == "kafka", "the broker said nothing of its Kafka listener"
            yield address, broker.pid
        finally:
            broker.send_signal(signal.SIGTERM)
            code = broker.wait(30)
        assert code == 0, f"the broker ended with {code}"
