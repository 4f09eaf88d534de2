"""A real Apache Kafka broker without Docker: one KRaft node on free ports, in a folder of its own.

It can be killed and started again over the same data and port, which is what tests of a bus need.
Its jars come from Maven Central once and are kept in the user's cache.
"""

import asyncio
import fcntl
import hashlib
import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog
from aiokafka.admin import AIOKafkaAdminClient  # type: ignore[import-untyped]
from aiokafka.errors import KafkaError  # type: ignore[import-untyped]

log = structlog.get_logger()

_POM = Path(__file__).with_name("kafka-pom.xml")
_LOG4J = """log4j.rootLogger=WARN, stdout
log4j.appender.stdout=org.apache.log4j.ConsoleAppender
log4j.appender.stdout.layout=org.apache.log4j.PatternLayout
log4j.appender.stdout.layout.ConversionPattern=%d %p %c %m%n
"""


class KafkaUnavailable(Exception):
    """Why there is no broker here, in a sentence."""


def available() -> bool:
    """Whether this machine has what the broker needs: java, and the jars or Maven to get them."""
    return shutil.which("java") is not None and (_jars().exists() or shutil.which("mvn") is not None)


def _jars() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "vestnik" / f"kafka-{hashlib.sha256(_POM.read_bytes()).hexdigest()[:12]}"


def fetch_jars() -> Path:
    """The folder with the broker's jars; downloads only the first time."""
    jars = _jars()
    jars.parent.mkdir(parents=True, exist_ok=True)
    with (jars.parent / "lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not jars.exists():
            if shutil.which("mvn") is None:
                raise KafkaUnavailable("Kafka needs Maven (mvn) once, to download its jars.")
            log.info("sandbox.kafka_downloading", folder=str(jars))
            draft = Path(tempfile.mkdtemp(dir=jars.parent))
            goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={draft}"]
            done = subprocess.run(  # noqa: S603 - our own command
                ["mvn", "-q", "-B", "-f", str(_POM), *goal],  # noqa: S607
                capture_output=True,
                check=False,
            )
            if done.returncode != 0:
                shutil.rmtree(draft)
                raise KafkaUnavailable(f"Maven could not fetch Kafka: {done.stdout.decode()[-500:]}")
            draft.rename(jars)
    return jars


class KafkaBroker:
    """`async with KafkaBroker(folder) as broker: … broker.address`. Data stays in the folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port, self._controller_port = _free_ports(2)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """host:port of the broker, the same after a restart."""
        return f"127.0.0.1:{self._port}"

    async def start(self) -> None:
        """Start and wait until it answers. Raises KafkaUnavailable."""
        if shutil.which("java") is None:
            raise KafkaUnavailable("Kafka needs Java 17 (java).")
        jars = await asyncio.to_thread(fetch_jars)
        if not (self._folder / "data" / "meta.properties").exists():
            await asyncio.to_thread(self._format, jars)
        self._launch(jars)
        await self._wait_until_it_answers()
        log.info("sandbox.kafka_started", address=self.address, folder=str(self._folder))

    def _launch(self, jars: Path) -> None:
        with (self._folder / "kafka.log").open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                [*self._java(jars), "-Xms128m", "-Xmx512m", "kafka.Kafka", str(self._properties)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self) -> None:
        """Kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def terminate(self) -> None:
        """Stop in order: logs are flushed, clients are told."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    async def restart(self) -> None:
        """Start again over the same data and port; call after kill() or terminate(), or instead of both."""
        await asyncio.to_thread(self.terminate)
        await self.start()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.terminate)

    @property
    def _properties(self) -> Path:
        return self._folder / "server.properties"

    def _java(self, jars: Path) -> list[str]:
        log4j = f"-Dlog4j.configuration=file:{self._folder / 'log4j.properties'}"
        # The second compiler pays off after hours; a broker here lives for minutes.
        return ["java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", log4j, "-cp", f"{jars}/*"]

    def _format(self, jars: Path) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / "log4j.properties").write_text(_LOG4J)
        listeners = f"PLAINTEXT://{self.address},CONTROLLER://127.0.0.1:{self._controller_port}"
        self._properties.write_text(
            f"""process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{self._controller_port}
listeners={listeners}
advertised.listeners=PLAINTEXT://{self.address}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={self._folder / "data"}
num.partitions=4
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
"""
        )
        identity = hashlib.sha256(str(self._folder).encode()).hexdigest()[:22]
        tool = ["kafka.tools.StorageTool", "format", "-t", identity, "-c", str(self._properties)]
        done = subprocess.run(  # noqa: S603
            [*self._java(jars), *tool], capture_output=True, check=False
        )
        if done.returncode != 0:
            raise KafkaUnavailable(f"Kafka's storage could not be formatted: {done.stderr.decode()[-500:]}")

    async def _wait_until_it_answers(self) -> None:
        assert self._process is not None
        while True:
            if self._process.poll() is not None:
                said = (self._folder / "kafka.log").read_text(errors="replace")[-500:]
                raise KafkaUnavailable(f"Kafka ended at once: {said}")
            if await _listens(self._port):
                admin = AIOKafkaAdminClient(bootstrap_servers=self.address)
                try:
                    await admin.start()
                    if (await admin.describe_cluster())["brokers"]:
                        return
                except KafkaError as wrong:
                    log.debug("sandbox.kafka_not_ready", reason=type(wrong).__name__)
                finally:
                    await admin.close()
            await asyncio.sleep(0.1)


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


def _free_ports(count: int) -> list[int]:
    # All are held until all are known, so they differ.
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(one.getsockname()[1]) for one in held]
    for one in held:
        one.close()
    return ports
