"""A SLURM of one node on the loopback address, with two fake GPUs; Debian's daemons, without systemd, in one folder."""

import os
import shutil
import socket
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil

Environment = dict[str, str]

GPUS = 2
COMMANDS = ["munged", "mungekey", "slurmctld", "slurmd", "setpriv"]
COMMANDS += ["sbatch", "srun", "squeue", "scancel", "scontrol", "sinfo"]
SETTINGS = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
# What is requeued waits as long as a credential holds: two minutes by default.
AuthInfo=socket={folder}/munge.socket,cred_expire=20
CredType=cred/munge
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
GresTypes=gpu
ReturnToService=2
MinJobAge=300
KillWait=30
MpiDefault=none
SchedulerParameters=sched_min_interval=100000,bf_interval=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
NodeName={host} NodeAddr=127.0.0.1 CPUs=8 RealMemory=1000000 Gres=gpu:{gpus} State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP PriorityTier=1
PartitionName=urgent Nodes={host} MaxTime=INFINITE State=UP PriorityTier=2 PreemptMode=OFF
"""


def reason_for_none() -> str | None:
    """Why no SLURM can be started here; None where it can."""
    missing = [name for name in COMMANDS if shutil.which(name) is None]
    if missing:
        return f"{', '.join(missing)} not installed: tests/install.sh slurm does it on Debian and Ubuntu"
    return None if os.geteuid() == 0 else "slurmd must be started by root"


@contextmanager
def cluster(folder: Path) -> Iterator[Environment]:
    """Run it as long as the block lasts; yields the environment in which its commands reach it."""
    host = socket.gethostname().partition(".")[0]
    configure(folder, host)
    conf = str(folder / "slurm.conf")
    environment = os.environ | {"SLURM_CONF": conf, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
    with ExitStack() as stack:
        daemon(stack, folder, ["munged", "--foreground", "--force", *munge_options(folder)])
        wait_for((folder / "munge.socket").exists, folder)
        daemon(stack, folder, ["slurmctld", "-D", "-c", "-f", conf])
        daemon(stack, folder, ["slurmd", "-D", "-f", conf, "-N", host])
        wait_for(lambda: "idle" in said(["sinfo", "--noheader", "--format=%T"], environment), folder)
        try:
            yield environment
        finally:
            said(["scancel", "--user=root"], environment)
            said(["scancel", "--user=root", "--signal=KILL"], environment)
            wait_for(lambda: not said(["squeue", "--noheader", "--states=R,PD,CG"], environment), folder)
            end_what_is_left(conf)


def end_what_is_left(conf: str) -> None:
    """Kill what jobs left behind: a job step that two signals meet at once may wait for itself for ever."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.pid != os.getpid() and process.environ().get("SLURM_CONF") == conf:
                process.kill()


def configure(folder: Path, host: str) -> None:
    """Write the configuration, a key, two character devices that pass for GPUs, and an srun that knows all that."""
    for name in ("state", "spool", "bin"):
        (folder / name).mkdir(parents=True)
    folder.chmod(0o755)
    (folder / "slurm.conf").write_text(SETTINGS.format(host=host, folder=folder, ports=free_ports(2), gpus=GPUS))
    devices = [folder / f"nvidia{number}" for number in range(GPUS)]
    for device in devices:
        os.mknod(device, stat.S_IFCHR | 0o666, os.makedev(1, 3))
    (folder / "gres.conf").write_text("".join(f"Name=gpu File={device}\n" for device in devices))
    subprocess.run(["mungekey", "--create", f"--keyfile={folder}/munge.key"], check=True, capture_output=True)
    # Snakemake's job step takes every SLURM_ variable from the environment of its inner srun, this one too.
    shim = folder / "bin" / "srun"
    shim.write_text(f'#!/bin/sh\nSLURM_CONF={folder}/slurm.conf exec {shutil.which("srun")} "$@"\n')
    shim.chmod(0o755)


def munge_options(folder: Path) -> list[str]:
    files = {"socket": "munge.socket", "key-file": "munge.key", "pid-file": "munge.pid", "seed-file": "munge.seed"}
    return [f"--{option}={folder / name}" for option, name in (files | {"log-file": "munge.log"}).items()]


def daemon(stack: ExitStack, folder: Path, command: list[str]) -> None:
    """Start it, and end it when the stack is left, or when this process dies."""
    with open(folder / f"{command[0]}.out", "wb") as output:
        process = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", *command], stdout=output, stderr=output)
    stack.callback(end, process)


def end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def said(command: list[str], environment: Environment) -> str:
    """What a command of SLURM printed; nothing where it failed."""
    with suppress(subprocess.TimeoutExpired):
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=30
        ).stdout.strip()
    return ""


def wait_for(happened: Callable[[], bool], folder: Path, seconds: float = 90) -> None:
    """Wait until it has happened; else an error with what the daemons said last."""
    limit = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > limit:
            logs = [f"{path}:\n{path.read_text(errors='replace')[-2000:]}" for path in sorted(folder.glob("*.log"))]
            raise TimeoutError("\n".join(logs))
        time.sleep(0.1)


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
