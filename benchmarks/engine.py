"""How long the embedded engine takes and how much memory, beside the bare components in the same run.

    python benchmarks/engine.py [--rounds N] [-o table|json]

"Usable" is: the API server is ready, pods can be created (the default ServiceAccount is there), the scheduler runs and
every node is Ready. The bare components are etcd, kube-apiserver, kube-controller-manager and kube-scheduler of the
same version, each a process with its usual settings, "usable" without nodes. Memory is what processes hold of their own
and their part of what they share (PSS), and the resident set (RSS) beside it, five seconds after the start. Last comes
the example itself, with `ringfence up` and `ringfence apply` as a user types them: its largest cluster then. Budgets
are those of the engine's issue, for two cores. Ends with 1 when a budget is broken.
"""

import argparse
import base64
import contextlib
import ipaddress
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from ssl import create_default_context
from statistics import median

import psutil
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ringfence.base.clock import SystemClock
from ringfence.base.paths import Paths
from ringfence.engine import ClusterSpec, Engine, EnvironmentSpec, NodeSpec, Role
from ringfence.engine.record import free_port
from ringfence.engine.status import last_words

SETTLE_SECONDS = 5.0
CLOCK = SystemClock()


@dataclass(frozen=True, slots=True)
class Measurement:
    """One subject: seconds until usable (the median of the rounds), and megabytes; a budget of 0 is none."""

    subject: str
    seconds: float
    processes: int
    pss_mb: float
    rss_mb: float
    seconds_budget: float = 0.0
    rss_budget_mb: float = 0.0

    @property
    def kept(self) -> bool:
        """Whether the budgets are kept."""
        in_time = not self.seconds_budget or self.seconds <= self.seconds_budget
        return in_time and (not self.rss_budget_mb or self.rss_mb <= self.rss_budget_mb)


@dataclass(frozen=True, slots=True)
class Memory:
    """What a number of processes hold, in megabytes."""

    pss_mb: float
    rss_mb: float


def memory(pids: Sequence[int]) -> Memory:
    """What these processes hold together."""
    information = [psutil.Process(pid).memory_full_info() for pid in pids]
    return Memory(sum(one.pss for one in information) / 1e6, sum(one.rss for one in information) / 1e6)


def pool(count: int) -> tuple[NodeSpec, ...]:
    return tuple(NodeSpec(f"apps-{number}", "apps") for number in range(1, count + 1))


def clinic() -> list[EnvironmentSpec]:
    """Two Environments, each with a management and a workload cluster."""
    return [
        EnvironmentSpec(
            name,
            (
                ClusterSpec(f"{name}-management", Role.MANAGEMENT),
                ClusterSpec(f"{name}-1", Role.WORKLOAD, pool(4)),
            ),
        )
        for name in ("production", "non-production")
    ]


def measure_landscape(
    engine: Engine, subject: str, environments: list[EnvironmentSpec], rounds: int, budgets: tuple[float, float]
) -> Measurement:
    """Bring a landscape up from nothing, ``rounds`` times."""
    times, seen = [], Memory(0, 0)
    count = 0
    for _ in range(rounds):
        started = CLOCK.monotonic()
        state = engine.up("benchmark", environments)
        times.append(CLOCK.monotonic() - started)
        CLOCK.sleep(SETTLE_SECONDS)
        pids = [process.pid for process in state.processes if process.pid is not None]
        seen, count = memory(pids), len(pids)
        engine.down("benchmark", purge=True)
    return Measurement(subject, median(times), count, seen.pss_mb, seen.rss_mb, *budgets)


def measure_applied() -> list[Measurement]:
    """The clinic brought up and applied by the commands; the seconds of each, and its largest cluster after both."""
    example = Path(__file__).parents[1] / "examples" / "clinic"
    with tempfile.TemporaryDirectory(prefix="ringfence-applied-") as name:
        variables = {**os.environ, "XDG_STATE_HOME": f"{name}/state", "XDG_DATA_HOME": f"{name}/data"}

        def run(verb: str, *more: str) -> float:
            started = CLOCK.monotonic()
            command = [sys.executable, "-m", "ringfence", verb, str(example), *more]
            subprocess.run(command, env=variables, check=True, stdout=subprocess.DEVNULL)
            return CLOCK.monotonic() - started

        try:
            up, applied = run("up"), run("apply")
            CLOCK.sleep(SETTLE_SECONDS)
            state = Engine(Paths.from_environment(variables), CLOCK).state("clinic")
            held = [memory([one.process.pid]) for one in state.clusters if one.process.pid is not None]
        finally:
            run("down", "--purge")
    largest = max(held, key=lambda one: one.rss_mb)
    return [
        Measurement(f"ringfence up, {len(held)} clusters", up, len(held), 0, 0, 40.0),
        Measurement("ringfence apply, its largest cluster", applied, 1, largest.pss_mb, largest.rss_mb, 0.0, 350.0),
    ]


def measure_bare(engine: Engine, rounds: int) -> list[Measurement]:
    """The four components as processes of their own; the last line is their sum."""
    times: list[float] = []
    parts: dict[str, Memory] = {}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="ringfence-bare-") as name, contextlib.ExitStack() as stack:
            bare = Bare(engine.binaries().cluster, Path(name), stack)
            started = CLOCK.monotonic()
            processes = bare.start()
            times.append(CLOCK.monotonic() - started)
            CLOCK.sleep(SETTLE_SECONDS)
            parts = {part: memory([process.pid]) for part, process in processes.items()}
    each = [Measurement(f"  {part}", 0.0, 1, held.pss_mb, held.rss_mb) for part, held in parts.items()]
    total = Memory(sum(one.pss_mb for one in parts.values()), sum(one.rss_mb for one in parts.values()))
    return [*each, Measurement("four bare components", median(times), len(parts), total.pss_mb, total.rss_mb)]


class Bare:
    """etcd, API server, controller manager and scheduler, each a process, in a folder of their own."""

    def __init__(self, program: Path, folder: Path, stack: contextlib.ExitStack) -> None:
        self._program = program
        self._folder = folder
        self._stack = stack
        self._keys = Keys(folder)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        taken: set[int] = set()
        for part in ("etcd", "peer", "api"):
            taken.add(free_port(f"bare-{part}", taken))
        self._etcd, self._peer, self._api = sorted(taken)

    def start(self) -> dict[str, subprocess.Popen[bytes]]:
        """Start all and return when the cluster is usable."""
        etcd, api = f"http://127.0.0.1:{self._etcd}", f"https://127.0.0.1:{self._api}"
        peer = f"http://127.0.0.1:{self._peer}"
        kubeconfig = self._keys.kubeconfig(api)
        keys = str(self._folder)
        processes = {
            "etcd": self._run(
                "etcd",
                f"--data-dir={keys}/etcd",
                f"--listen-client-urls={etcd}",
                f"--advertise-client-urls={etcd}",
                f"--listen-peer-urls={peer}",
                f"--initial-advertise-peer-urls={peer}",
                f"--initial-cluster=default={peer}",
            ),
            "kube-apiserver": self._run(
                "kube-apiserver",
                f"--etcd-servers={etcd}",
                "--bind-address=127.0.0.1",
                f"--secure-port={self._api}",
                "--endpoint-reconciler-type=none",
                "--service-cluster-ip-range=10.96.0.0/16",
                f"--client-ca-file={keys}/ca.crt",
                f"--tls-cert-file={keys}/server.crt",
                f"--tls-private-key-file={keys}/server.key",
                "--authorization-mode=Node,RBAC",
                f"--service-account-key-file={keys}/server.key",
                f"--service-account-signing-key-file={keys}/server.key",
                "--service-account-issuer=https://bare.example.org",
            ),
        }
        self._wait(api, "/readyz")
        processes["kube-controller-manager"] = self._run(
            "kube-controller-manager",
            f"--kubeconfig={kubeconfig}",
            "--leader-elect=false",
            "--secure-port=0",
            f"--root-ca-file={keys}/ca.crt",
            f"--service-account-private-key-file={keys}/server.key",
            "--use-service-account-credentials=true",
        )
        processes["kube-scheduler"] = self._run(
            "kube-scheduler", f"--kubeconfig={kubeconfig}", "--leader-elect=false", "--secure-port=0"
        )
        self._wait(api, "/api/v1/namespaces/default/serviceaccounts/default")
        return processes

    def _run(self, *command: str) -> subprocess.Popen[bytes]:
        log = self._stack.enter_context((self._folder / f"{command[0]}.log").open("wb"))
        process = subprocess.Popen([self._program, *command], stdout=log, stderr=log, cwd=self._folder)
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)
        self._processes[command[0]] = process
        return process

    def _wait(self, server: str, path: str) -> None:
        deadline = CLOCK.monotonic() + 300
        while True:
            with contextlib.suppress(OSError):
                context = create_default_context(cafile=str(self._folder / "ca.crt"))
                context.load_cert_chain(self._folder / "client.crt", self._folder / "client.key")
                with urllib.request.urlopen(server + path, context=context, timeout=5):
                    return
            dead = [part for part, process in self._processes.items() if process.poll() is not None]
            if dead or CLOCK.monotonic() > deadline:
                words = "\n".join(last_words(self._folder / f"{part}.log") for part in dead or self._processes)
                raise SystemExit(f"{path}: no answer; {', '.join(dead) or 'nothing'} ended. Last words:\n{words}")
            CLOCK.sleep(0.03)


class Keys:
    """An authority, a server's certificate and an administrator's, in files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bare")])
        self._write("ca", self._key, self._sign(self._name, self._key, authority=True))
        for name, group in (("server", "servers"), ("client", "system:masters")):
            subject = [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, group),
                x509.NameAttribute(NameOID.COMMON_NAME, name),
            ]
            key = ec.generate_private_key(ec.SECP256R1())
            self._write(name, key, self._sign(x509.Name(subject), key, authority=False))

    def _sign(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, authority: bool) -> x509.Certificate:
        now = datetime.now(tz=UTC)
        builder = x509.CertificateBuilder(
            issuer_name=self._name,
            subject_name=subject,
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=now - timedelta(minutes=5),
            not_valid_after=now + timedelta(days=1),
        )
        builder = builder.add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        return builder.sign(self._key, hashes.SHA256())

    def _write(self, name: str, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        encoding = serialization.Encoding.PEM
        (self._folder / f"{name}.crt").write_bytes(certificate.public_bytes(encoding))
        (self._folder / f"{name}.key").write_bytes(
            key.private_bytes(encoding, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
        )

    def kubeconfig(self, server: str) -> Path:
        """The administrator's kubeconfig."""

        def encoded(name: str) -> str:
            return base64.b64encode((self._folder / name).read_bytes()).decode()

        path = self._folder / "kubeconfig.json"
        user = {"client-certificate-data": encoded("client.crt"), "client-key-data": encoded("client.key")}
        cluster = {"server": server, "certificate-authority-data": encoded("ca.crt")}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "bare",
            "contexts": [{"name": "bare", "context": {"cluster": "bare", "user": "bare"}}],
            "clusters": [{"name": "bare", "cluster": cluster}],
            "users": [{"name": "bare", "user": user}],
        }
        path.write_text(json.dumps(document))
        return path


@contextlib.contextmanager
def own_engine() -> Iterator[Engine]:
    """An engine with a state of its own, and nothing left of it afterwards."""
    with tempfile.TemporaryDirectory(prefix="ringfence-benchmark-") as name:
        usual = Paths.from_environment()
        engine = Engine(Paths(Path(name) / "state", Path(name) / "data", usual.cache), CLOCK)
        try:
            yield engine
        finally:
            engine.down("benchmark", purge=True)


def show(measurements: Sequence[Measurement]) -> None:
    sys.stdout.write(f"{'':42}{'usable':>9}{'budget':>9}{'PSS':>9}{'RSS':>9}{'budget':>9}  processes\n")
    for one in measurements:
        seconds = f"{one.seconds:.1f} s" if one.seconds else ""
        time_budget = f"{one.seconds_budget:.0f} s" if one.seconds_budget else ""
        space_budget = f"{one.rss_budget_mb:.0f} MB" if one.rss_budget_mb else ""
        verdict = "" if one.kept else "  over budget"
        sys.stdout.write(
            f"{one.subject:42}{seconds:>9}{time_budget:>9}{one.pss_mb:>6.0f} MB{one.rss_mb:>6.0f} MB{space_budget:>9}"
            f"{one.processes:>5}{verdict}\n"
        )


def main() -> int:
    parser = argparse.ArgumentParser(description="Measures the embedded engine beside the bare components.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("-o", dest="output", choices=["table", "json"], default="table")
    arguments = parser.parse_args()
    one = [EnvironmentSpec("one", (ClusterSpec("one-1", Role.WORKLOAD, pool(4)),))]
    with own_engine() as engine:
        engine.binaries()
        measurements = [
            measure_landscape(engine, "one cluster with 4 nodes", one, arguments.rounds, (6.0, 350.0)),
            *measure_bare(engine, arguments.rounds),
            measure_landscape(
                engine, "clinic: 2 Environments, 4 clusters, Argo CD", clinic(), arguments.rounds, (40.0, 0.0)
            ),
            *measure_applied(),
        ]
    if arguments.output == "json":
        document = {
            "apiVersion": "ringfence.dev/v1",
            "kind": "Benchmark",
            "measurements": [asdict(m) for m in measurements],
        }
        sys.stdout.write(json.dumps(document, indent=1) + "\n")
    else:
        show(measurements)
    return 0 if all(measurement.kept for measurement in measurements) else 1


if __name__ == "__main__":
    sys.exit(main())
