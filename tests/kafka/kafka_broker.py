"""A broker with all its listeners for one test: started on free ports, stopped in order."""
import contextlib
import pathlib
import resource
import signal
import subprocess
import tempfile


class Broker:
    def __init__(self, program, directory, settings=(), file_bytes=None, log=None):
        """file_bytes: no file of the broker grows beyond it. log: an open file for what it says on stderr."""
        self.program, self.directory, self.file_bytes, self.log = program, directory, file_bytes, log
        self.settings = [word for setting in settings for word in ("--set", setting)]
        self.kafka = self.http = self.native = "127.0.0.1:0"
        self.start()

    def start(self):
        """On the addresses of before, where there was one."""
        self.process = subprocess.Popen(
            [self.program, "serve", "--data", str(pathlib.Path(self.directory) / "data"), "--listen", self.native,
             "--kafka-listen", self.kafka, "--http-listen", self.http, "--set", "log.level=warn", *self.settings],
            stdout=subprocess.PIPE, stderr=self.log, text=True, preexec_fn=self.limit_files if self.file_bytes else None)
        said = dict(self.process.stdout.readline().split()[1:] for _ in range(3))
        self.kafka, self.http, self.native = said["kafka"], said["http"], said["native"]

    def limit_files(self):
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.file_bytes, resource.RLIM_INFINITY))

    def memory_is_its_own(self):
        """Not a sanitizer's, which maps terabytes and keeps what was freed."""
        with open(f"/proc/{self.process.pid}/statm") as statm:
            return int(statm.read().split()[0]) * 4096 < 1 << 40

    def kill(self):
        self.process.kill()
        self.process.wait(30)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@contextlib.contextmanager
def broker(program, settings=()):
    """The end of the test must find one that stops cleanly."""
    with tempfile.TemporaryDirectory() as directory:
        running = Broker(program, directory, settings)
        try:
            yield running
        finally:
            code = running.stop()
        assert code == 0, f"the broker ended with {code}"


@contextlib.contextmanager
def kafka_broker(program):
    """(address of the Kafka listener, pid)"""
    with broker(program) as running:
        yield running.kafka, running.process.pid
