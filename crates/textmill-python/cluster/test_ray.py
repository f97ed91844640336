"""Ray Data. It listens on all addresses, so it runs in a network of its own."""

import shutil
import subprocess
import sys

import pytest

from helpers import with_unruly

PROGRAM = """
import sys
import pyarrow as pa
import ray
from textmill.ray import transform

ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, object_store_memory=100_000_000)
texts = ["kept", "PANIC", "DROP", "CUT me"] * 50
data = ray.data.from_arrow(pa.table({"n": list(range(200)), "text": texts}))
found = transform(data, sys.argv[1], batch_size=64).take_all()
kept = [row for row in sorted(found, key=lambda row: row["n"])]
assert [row["text"] for row in kept] == ["kept", " me"] * 50, kept[:4]
assert [row["n"] for row in kept] == [n for n in range(200) if n % 4 in (0, 3)]
print("done")
"""


def has_networks():
    """Whether a process may have a network of its own, which some systems and containers allow nobody."""
    if shutil.which("unshare") is None:
        return False
    return subprocess.run(["unshare", "-rn", "true"], capture_output=True).returncode == 0


@pytest.mark.skipif(not has_networks(), reason="`unshare -rn true` does not work here")
def test_rows_of_ray_data(unruly, tmp_path):
    pytest.importorskip("ray")
    path = with_unruly(tmp_path, unruly)
    inside = 'ip link set lo up 2>/dev/null || true; exec "$@"'
    arguments = ["unshare", "-rn", "sh", "-c", inside, "sh", sys.executable, "-c", PROGRAM, path]
    ran = subprocess.run(arguments, capture_output=True, text=True, timeout=600)
    assert ran.returncode == 0 and ran.stdout.strip().endswith("done"), ran.stderr[-4000:]
