"""A Slurm of one node on the loopback: slurmctld, slurmd and munged of Debian, in a folder of their own."""

import getpass
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

PROGRAMS = ("slurmctld", "slurmd", "munged", "srun", "sbatch", "sinfo")


def missing():
    """Which of its programs are not installed."""
    path = os.environ["PATH"] + ":/usr/sbin"
    return [name for name in PROGRAMS if shutil.which(name, path=path) is None]


def free_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


class Slurm:
    """`with Slurm() as slurm: slurm.run("srun", "-n", 4, ...)`. Several processes may share the node's cores."""

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="slurm"))
        self.folder.chmod(0o755)  # munge trusts no socket that others cannot reach
        self.environment = os.environ | {
            "SLURM_CONF": str(self.folder / "slurm.conf"),
            "PATH": os.environ["PATH"] + ":/usr/sbin",
        }
        self.daemons = []
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def start(self):
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        for name in ("state", "spool"):
            (self.folder / name).mkdir()
        host = socket.gethostname().split(".")[0]
        (self.folder / "slurm.conf").write_text(
            f"""ClusterName=camlite
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={free_port()}
SlurmdPort={free_port()}
SlurmUser={getpass.getuser()}
SlurmdUser={getpass.getuser()}
AuthType=auth/munge
AuthInfo=socket={self.folder}/munge.socket
CredType=cred/munge
StateSaveLocation={self.folder}/state
SlurmdSpoolDir={self.folder}/spool
SlurmctldPidFile={self.folder}/slurmctld.pid
SlurmdPidFile={self.folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 CPUs=8 RealMemory=100
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE OverSubscribe=YES
"""
        )
        self.daemon(
            "munged", "--foreground", "--force", "--num-threads=1", f"--key-file={key}",
            f"--socket={self.folder}/munge.socket", f"--pid-file={self.folder}/munged.pid",
            f"--log-file={self.folder}/munged.log", f"--seed-file={self.folder}/munged.seed",
        )  # fmt: skip
        self.wait_until(lambda: (self.folder / "munge.socket").exists())
        self.daemon("slurmctld", "-D", "-c")
        self.daemon("slurmd", "-D")
        self.wait_until(lambda: "idle" in self.run("sinfo", "-h", "-o", "%t", check=False).stdout)

    def daemon(self, name, *options):
        with open(self.folder / f"{name}.out", "wb") as log:
            self.daemons.append(
                subprocess.Popen([name, *options], env=self.environment, stdout=log, stderr=log, cwd=self.folder)
            )

    def wait_until(self, ready, seconds=60):
        end = time.monotonic() + seconds
        while not ready():
            gone = [d.args[0] for d in self.daemons if d.poll() is not None]
            if gone or time.monotonic() > end:
                logs = "\n".join(f"{log.name}:\n{log.read_text()[-2000:]}" for log in self.folder.glob("*.out"))
                raise RuntimeError(f"Slurm does not start; ended: {gone}\n{logs}")
            time.sleep(0.1)

    def run(self, *command, cwd=None, check=True, timeout=120):
        done = subprocess.run(
            [str(word) for word in command], env=self.environment, cwd=cwd, text=True, capture_output=True,
            timeout=timeout,
        )  # fmt: skip
        if check and done.returncode != 0:
            raise RuntimeError(f"{command}: exit status {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def __exit__(self, *_):
        for daemon in reversed(self.daemons):
            daemon.terminate()
        for daemon in self.daemons:
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
