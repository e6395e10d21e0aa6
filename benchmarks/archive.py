"""How many pictures a second an archive takes with 1 and 2 workers: `python benchmarks/archive.py nbs/results/archive.json`

Toy pictures, the network that ships, on a machine that does nothing else (`load` says how many processes wanted its cores). The
rounds take turns, and the figure is their median. `start` is from nothing until every worker has its network and has done a few
pictures; `killed` is a run in which one of two workers is killed after the first task.
"""
import json
import os
import platform
import shutil
import signal
import statistics
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import cloudpickle
import cv2
import psutil
from speed import features

from unetvgg_seg.archive import person_segmenter, rows_of, segment_pictures, workers_at
from unetvgg_seg.toys import toy_people

PICTURES, ROUNDS, SIZE, COUNTS = 32, 2, (480, 640), (1, 2)


def kill_one(client):
    "End one of the workers as the system does"
    pids = client.run(os.getpid)
    os.kill(min(pids.values()), signal.SIGKILL)


def cpu_seconds(client):
    "What the workers have computed so far"
    return sum(sum(times[:2]) for times in client.run(os.times).values())


def timed(client, todo, out, recipe, kill=False):
    "Seconds for all pictures, and what became of them"
    shutil.rmtree(out, ignore_errors=True)
    start, rows = time.time(), []
    for few in rows_of(client, partial(segment_pictures, out=str(out), recipe=recipe, overwrite=False), todo, few=4):
        if kill and not rows: kill_one(client)
        rows += few
    return time.time() - start, rows


def main(target):
    "Measure, and save"
    recipe = cloudpickle.dumps((person_segmenter, None, 256))
    speeds, starts, costs = [{n: [] for n in COUNTS} for _ in range(3)]
    with tempfile.TemporaryDirectory() as folder:
        photos = sorted((toy_people(Path(folder) / "toys", PICTURES, 1, size=SIZE) / "train2017").iterdir())
        todo = [(str(path), f"{path.stem}.png") for path in photos]
        for _ in range(ROUNDS):
            for n in COUNTS:
                start = time.time()
                with workers_at(None, n) as client:
                    timed(client, todo[:4 * n], Path(folder) / "first", recipe)
                    starts[n].append(time.time() - start)
                    before = cpu_seconds(client)
                    speeds[n].append(PICTURES / timed(client, todo, Path(folder) / "out", recipe)[0])
                    costs[n].append((cpu_seconds(client) - before) / PICTURES)
                    print(n, "workers", f"{speeds[n][-1]:.2f} images/s, start {starts[n][-1]:.0f} s", flush=True)
        with workers_at(None, 2) as client:
            seconds, rows = timed(client, todo, Path(folder) / "killed", recipe, kill=True)
            left = len(list((Path(folder) / "killed").glob("*.png")))
    killed = dict(seconds=round(seconds, 1), rows=len(rows), paths=len({row.path for row in rows}), files=left,
                  errors=[row.error for row in rows if row.error])
    report = dict(pictures=PICTURES, size=SIZE, cores=len(psutil.Process().cpu_affinity()), features=features(),
                  machine=platform.machine(), opencv=cv2.__version__, load=[round(n, 1) for n in os.getloadavg()], killed=killed,
                  workers=[dict(workers=n, images_per_second=round(statistics.median(speeds[n]), 2),
                                rounds=[round(speed, 2) for speed in speeds[n]], start=round(statistics.median(starts[n]), 1),
                                cpu_seconds_per_image=round(statistics.median(costs[n]), 3))
                           for n in COUNTS])
    Path(target).write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1))


if __name__ == "__main__": main(sys.argv[1])
