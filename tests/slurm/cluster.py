"""A real SLURM of one node, of the tests' own: munge, slurmctld, slurmd, and for accounting slurmdbd with MariaDB.

Everything lives in one temporary directory with ports and sockets of its own, beside any SLURM of the machine. The node claims
8 cores whatever it has, so that several jobs run at a time; nothing binds to cores. The waits that a cluster makes are cut
short: a requeued job may begin after seconds instead of two minutes, and what was told to end is killed after 10 seconds.
"""

from __future__ import annotations

import contextlib
import ctypes
import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

PROGRAMS = ("slurmctld", "slurmd", "sbatch", "munged")
ACCOUNTING_PROGRAMS = ("slurmdbd", "mariadbd", "mariadb-install-db")
CORES = 8
KILL_WAIT = 10
REQUEUE_WAIT = 5

CONFIG = """\
ClusterName=robustft
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={root}/munge/socket,cred_expire={requeue_wait}
StateSaveLocation={root}/state
SlurmdSpoolDir={root}/spool
SlurmctldPidFile={root}/run/slurmctld.pid
SlurmdPidFile={root}/run/slurmd.pid
SlurmctldPort={controller_port}
SlurmdPort={node_port}
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=0
SlurmdParameters=config_overrides
ReturnToService=2
MpiDefault=none
JobRequeue=1
KillWait={kill_wait}
OverTimeLimit=0
MaxArraySize={max_array_size}
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
{accounting}
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} RealMemory={memory} State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE DefaultTime=60 PriorityTier=2 PreemptMode=OFF State=UP
PartitionName=low Nodes={host} MaxTime=INFINITE DefaultTime=60 PriorityTier=1 PreemptMode=REQUEUE State=UP
PartitionName=short Nodes={host} MaxTime=1 DefaultTime=1 PriorityTier=2 PreemptMode=OFF State=UP
"""

ACCOUNTING = """\
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={port}
AccountingStoragePass={root}/munge/socket
AccountingStorageEnforce=associations,qos
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=5"""

DATABASE_CONFIG = """\
AuthType=auth/munge
AuthInfo=socket={root}/munge/socket
DbdHost={host}
DbdAddr=127.0.0.1
DbdPort={port}
SlurmUser={user}
PidFile={root}/run/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=root
StoragePass=unused
StorageLoc=accounting
"""


def missing(accounting: bool = False) -> list[str]:
    """Those programs of SLURM that this machine lacks."""
    programs = PROGRAMS + (ACCOUNTING_PROGRAMS if accounting else ())
    return [program for program in programs if shutil.which(program) is None]


class Cluster:
    """One node with the daemons that make it a cluster.

    root: an empty directory for all that it writes
    accounting: whether sacct answers; then only accounts that exist may submit, and `lab` exists
    max_array_size: of SLURM's configuration; one more than the highest index of a job array
    """

    def __init__(self, root: Path, accounting: bool = False, max_array_size: int = 1001):
        self.root = root
        self.accounting = accounting
        self.max_array_size = max_array_size
        self.daemons: dict[str, subprocess.Popen[bytes]] = {}
        self.config = root / "slurm.conf"
        self.refusal = ""

    @property
    def environment(self) -> dict[str, str]:
        """What a program needs to know to talk to this cluster and to no other."""
        outside = {name: value for name, value in os.environ.items() if not name.startswith(("SLURM_", "SBATCH_"))}
        return {**outside, "SLURM_CONF": str(self.config)}

    def start(self) -> None:
        self.root.chmod(0o711)  # munged wants every user to reach its socket
        for name in ("munge", "state", "spool", "run", "log"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        self._start_munge()
        if self.accounting:
            self._start_database()
        self._write_config()
        if self.accounting:
            self._open_accounts()
        self.start_controller()
        self.start_node()

    def stop(self) -> None:
        """End every job and every daemon, whatever state they are in, and remove what they wrote."""
        with contextlib.suppress(subprocess.SubprocessError, TimeoutError):
            if {"slurmctld", "slurmd"} <= self.daemons.keys():
                self.command("scancel", "--user", getpass.getuser())
                self.wait_for(lambda: not self.command("squeue", "--noheader"), "jobs to end", KILL_WAIT + 10)
        for name in reversed(list(self.daemons)):
            self.end(name)
        self._end_processes_of_jobs()
        shutil.rmtree(self.root, ignore_errors=True)

    def start_controller(self) -> None:
        self._start("slurmctld", "-D", "-f", str(self.config), "-L", str(self.root / "log/slurmctld.log"))
        self.wait_for(self._answers, "slurmctld to answer")

    def start_node(self) -> None:
        self._start("slurmd", "-D", "-f", str(self.config), "-L", str(self.root / "log/slurmd.log"))
        self.wait_for(
            lambda: self.command("sinfo", "--noheader", "--format=%T").split()[0] in ("idle", "mixed"), "the node"
        )

    def end(self, name: str, with_signal: int = signal.SIGTERM) -> None:
        """End the daemon of that name."""
        daemon = self.daemons.pop(name)
        daemon.send_signal(with_signal)
        try:
            daemon.wait(20)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()

    def command(self, *arguments: str) -> str:
        """What a command of SLURM prints.

        Raises: CalledProcessError for an exit code that is not 0.
        """
        result = subprocess.run(
            arguments,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            stdin=subprocess.DEVNULL,
        )
        return result.stdout.strip()

    def wait_for(self, holds: Callable[[], object], what: str, seconds: float = 60) -> None:
        """Return as soon as it holds.

        Raises: TimeoutError with the daemons' last words if it does not within that time.
        """
        end = time.monotonic() + seconds
        while not holds():
            ended = [name for name, daemon in self.daemons.items() if daemon.poll() is not None]
            if ended or time.monotonic() > end:
                raise TimeoutError(
                    f"{what}: not within {seconds:.0f} s; daemons that ended: {ended} {self.refusal}\n{self.last_words()}"
                )
            time.sleep(0.2)

    def last_words(self) -> str:
        logs = sorted((self.root / "log").glob("*.log"))
        return "\n".join(
            f"--- {log.name}\n" + "\n".join(log.read_text(errors="replace").splitlines()[-12:]) for log in logs
        )

    def _answers(self) -> bool:
        return self._accepts("scontrol", "show", "config") and "is UP" in self.command("scontrol", "ping")

    def _accepts(self, *arguments: str) -> bool:
        try:
            self.command(*arguments)
        except subprocess.SubprocessError as error:
            self.refusal = f"{error} {getattr(error, 'stderr', '')}"
            return False
        return True

    def _start(self, name: str, *arguments: str, **environment: str) -> None:
        """Start a daemon in the foreground, as a child of this process."""
        with (self.root / "log" / f"{name}.out.log").open("ab") as output:
            self.daemons[name] = subprocess.Popen(
                [shutil.which(name) or name, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**self.environment, **environment},
                cwd=self.root,
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )

    def _start_munge(self) -> None:
        place = self.root / "munge"
        key = place / "key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        files = {"socket": "socket", "key-file": "key", "log-file": "log", "pid-file": "pid", "seed-file": "seed"}
        options = [f"--{option}={place / name}" for option, name in files.items()]
        self._start("munged", "--foreground", *options)
        self.wait_for((place / "socket").exists, "munge's socket")

    def _start_database(self) -> None:
        place, socket_file = self.root / "database", self.root / "run/database.socket"
        log = self.root / "log/database-install.log"
        with log.open("wb") as output:
            subprocess.run(
                ["mariadb-install-db", "--no-defaults", f"--datadir={place}", f"--user={getpass.getuser()}",
                 "--auth-root-authentication-method=socket", "--skip-test-db"],
                stdout=output, stderr=output, check=True, timeout=120,
            )  # fmt: skip
        self._start("mariadbd", "--no-defaults", f"--datadir={place}", f"--socket={socket_file}", "--skip-networking",
                    f"--user={getpass.getuser()}", f"--pid-file={self.root / 'run/mariadb.pid'}")  # fmt: skip
        self.wait_for(socket_file.exists, "MariaDB")
        port = free_port()
        config = self.root / "slurmdbd.conf"
        config.write_text(DATABASE_CONFIG.format(root=self.root, host=host_name(), port=port, user=getpass.getuser()))
        config.chmod(0o600)
        self.database_port = port
        self._start("slurmdbd", "-D", "-v", MYSQL_UNIX_PORT=str(socket_file))

    def _open_accounts(self) -> None:
        """An account `lab` with this user in it."""
        self.wait_for(lambda: self._accepts("sacctmgr", "--immediate", "add", "cluster", "robustft"), "slurmdbd")
        self.command("sacctmgr", "--immediate", "add", "account", "lab", "cluster=robustft")
        self.command("sacctmgr", "--immediate", "add", "user", getpass.getuser(), "account=lab", "cluster=robustft")

    def _write_config(self) -> None:
        accounting = ACCOUNTING.format(root=self.root, port=self.database_port) if self.accounting else ""
        self.config.write_text(
            CONFIG.format(
                host=host_name(),
                user=getpass.getuser(),
                root=self.root,
                controller_port=free_port(),
                node_port=free_port(),
                kill_wait=KILL_WAIT,
                requeue_wait=REQUEUE_WAIT,
                max_array_size=self.max_array_size,
                accounting=accounting,
                cores=CORES,
                memory=16000,
            )
        )

    def _end_processes_of_jobs(self) -> None:
        """Kill what was started on this cluster and outlived it, known by its environment."""
        mark = f"SLURM_CONF={self.config}".encode()
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if mark in (process / "environ").read_bytes().split(b"\0"):
                    os.kill(int(process.name), signal.SIGKILL)


def _end_with_parent() -> None:
    """Lets the kernel end this daemon when the tests are killed, so that none stays behind."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


@contextlib.contextmanager
def one_node(root: Path, accounting: bool = False, max_array_size: int = 1001) -> Iterator[Cluster]:
    """A cluster that is up inside the block and gone after it, also when starting it fails."""
    cluster = Cluster(root, accounting, max_array_size)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


def host_name() -> str:
    """This machine's name as SLURM takes it."""
    return socket.gethostname().split(".")[0]
