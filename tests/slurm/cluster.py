"""A real SLURM of one node, of the tests' own: munge, slurmctld, slurmd, and for accounting slurmdbd with MariaDB.

Everything lives in one directory with ports and sockets of its own, beside any SLURM of the machine. The node claims 8
cores whatever it has, so that several jobs run at a time; nothing binds to cores. The waits of a cluster are cut
short: a requeued job may begin after seconds, not two minutes, and a job that was told to end is killed after 10 s.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.slurm.daemons import Daemons, free_port, nothing_left

PACKAGES = "slurm-wlm munge slurmdbd mariadb-server slurm-wlm-mysql-plugin"
PROGRAMS = ("slurmctld", "slurmd", "sbatch", "munged")
ACCOUNTING_PROGRAMS = ("slurmdbd", "mariadbd", "mariadb-install-db")
NODE = socket.gethostname().split(".")[0]
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

    root: an empty directory for all that it writes.
    accounting: whether sacct answers; then only accounts that exist may submit, and `lab` exists.
    max_array_size: of SLURM's configuration; the most jobs that an array can have.
    """

    def __init__(self, root: Path, *, accounting: bool, max_array_size: int) -> None:
        self.root, self.accounting, self.max_array_size = root, accounting, max_array_size
        self.config = root / "slurm.conf"
        self.daemons = Daemons(root / "log", self.environment)

    @property
    def environment(self) -> dict[str, str]:
        """What a program needs to know to talk to this cluster and to no other."""
        outside = {name: value for name, value in os.environ.items() if not name.startswith(("SLURM_", "SBATCH_"))}
        return {**outside, "SLURM_CONF": str(self.config)}

    def command(self, *arguments: str) -> str:
        """What a command of SLURM prints.

        Raises:
            CalledProcessError: for an exit code that is not 0.
        """
        options = {"capture_output": True, "text": True, "timeout": 60, "check": True, "stdin": subprocess.DEVNULL}
        return str(subprocess.run(arguments, env=self.environment, **options).stdout).strip()

    def accepts(self, *arguments: str) -> bool:
        """Whether a command of SLURM ends with exit code 0."""
        with contextlib.suppress(subprocess.SubprocessError):
            self.command(*arguments)
            return True
        return False

    def jobs(self) -> dict[str, str]:
        """The jobs that are pending, running or ending: id, `12` or `12_3` in an array -> state."""
        lines = self.command("squeue", "--noheader", "--array", "--format=%i %T").splitlines()
        return dict(line.split() for line in lines)  # type: ignore[misc]

    def start(self) -> None:
        """Start the daemons; the cluster then runs jobs."""
        self.root.chmod(0o711)  # munged wants every user to reach its socket
        for name in ("munge", "state", "spool", "run", "log"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        self._start_munge()
        port = self._start_database() if self.accounting else 0
        self._write_config(port)
        if self.accounting:
            self._open_accounts()
        self.start_controller()
        self.start_node()

    def stop(self) -> None:
        """End every job and every daemon, whatever state they are in."""
        with contextlib.suppress(subprocess.SubprocessError, TimeoutError):
            if self.daemons.run("slurmctld", "slurmd"):
                self.command("scancel", "--user", getpass.getuser())
                self.daemons.wait_for(lambda: not self.jobs(), "jobs to end", KILL_WAIT + 10)
        self.daemons.end_all()

    def start_controller(self) -> None:
        """Start slurmctld, which decides what runs."""
        self._start("slurmctld")
        self.daemons.wait_for(lambda: self.accepts("scontrol", "show", "config"), "slurmctld to answer")

    def start_node(self) -> None:
        """Start slurmd, which runs it."""
        self._start("slurmd")
        state = ("sinfo", "--noheader", "--partition=main", "--format=%T")
        self.daemons.wait_for(lambda: self.command(*state) in ("idle", "mixed", "allocated"), "slurmd to be seen")

    def _start(self, name: str) -> None:
        self.daemons.start(name, "-D", "-f", str(self.config), "-L", str(self.root / f"log/{name}.log"))

    def _start_munge(self) -> None:
        place = self.root / "munge"
        (place / "key").write_bytes(os.urandom(1024))
        (place / "key").chmod(0o400)
        files = {"socket": "socket", "key-file": "key", "log-file": "log", "pid-file": "pid", "seed-file": "seed"}
        self.daemons.start("munged", "--foreground", *(f"--{option}={place / name}" for option, name in files.items()))
        self.daemons.wait_for((place / "socket").exists, "munge's socket")

    def _start_database(self) -> int:
        """Start MariaDB and slurmdbd; the latter's port."""
        place, door, user, port = self.root / "database", self.root / "run/database", getpass.getuser(), free_port()
        shared = ("--no-defaults", f"--datadir={place}", f"--user={user}")
        with (self.root / "log/mariadb-install.log").open("wb") as log:
            install = ["mariadb-install-db", *shared, "--auth-root-authentication-method=socket", "--skip-test-db"]
            subprocess.run(install, stdout=log, stderr=log, check=True, timeout=120)
        own = (f"--socket={door}", f"--pid-file={self.root / 'run/mariadb.pid'}", "--skip-networking")
        self.daemons.start("mariadbd", *shared, *own)
        self.daemons.wait_for(door.exists, "MariaDB")
        config = self.root / "slurmdbd.conf"
        config.write_text(DATABASE_CONFIG.format(root=self.root, host=NODE, port=port, user=user))
        config.chmod(0o600)
        self.daemons.start("slurmdbd", "-D", "-v", MYSQL_UNIX_PORT=str(door))
        return port

    def _open_accounts(self) -> None:
        """An account `lab` with this user in it."""
        add, there = ("sacctmgr", "--immediate", "add"), "cluster=robustft"
        self.daemons.wait_for(lambda: self.accepts(*add, "cluster", "robustft"), "slurmdbd to answer")
        self.command(*add, "account", "lab", there)
        self.command(*add, "user", getpass.getuser(), "account=lab", there)

    def _write_config(self, database_port: int) -> None:
        accounting = ACCOUNTING.format(root=self.root, port=database_port) if self.accounting else ""
        self.config.write_text(
            CONFIG.format(
                host=NODE,
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


@contextlib.contextmanager
def one_node(root: Path, *, accounting: bool = False, max_array_size: int = 1001) -> Iterator[Cluster]:
    """A cluster that is up inside the block and gone after it, also when starting it fails."""
    cluster = Cluster(root, accounting=accounting, max_array_size=max_array_size)
    with nothing_left(root, f"SLURM_CONF={cluster.config}"):
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()
