"""Two processes of one machine train together on JAX, as two hosts would; one is killed, and both go on.

    python benchmarks/hosts.py

Drawn people at 32 pixels, so it says nothing about speed. Writes nbs/results/hosts.json."""
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from unetvgg_seg.checkpoints import read_history
from unetvgg_seg.toys import toy_people

EPOCHS = 4
RESULTS = Path(__file__).parents[1]/'nbs'/'results'/'hosts.json'
PROGRAM = f"""
import sys
from unetvgg_seg.training import train
run, toys, how = sys.argv[1:]
data = dict(annotations=f'{{toys}}/annotations/instances_train2017.json', images=f'{{toys}}/train2017',
            val_annotations=f'{{toys}}/annotations/instances_val2017.json', val_images=f'{{toys}}/val2017')
train(run, **data, encoder_weights=None, size=32, decoder_filters=(8, 8, 8, 8), batch_size=6, steps_per_epoch=3, val_limit=6,
      epochs={EPOCHS}, devices='all', resume=how == 'resume', verbose=0)
"""


def free_address() -> str:
    with socket.create_server(('127.0.0.1', 0)) as server: return f'127.0.0.1:{server.getsockname()[1]}'


def start(folder: Path, run: str, count: int, how: str = 'new') -> list[subprocess.Popen]:
    "Start the processes of a run"
    address, processes = free_address(), []
    for index in range(count):
        variables = os.environ | dict(KERAS_BACKEND='jax', JAX_COMPILATION_CACHE_DIR=str(folder/'cache'))
        if count > 1:
            variables |= dict(JAX_COORDINATOR_ADDRESS=address, JAX_NUM_PROCESSES=str(count), JAX_PROCESS_ID=str(index))
        processes.append(subprocess.Popen([sys.executable, '-c', PROGRAM, folder/run, folder/'toys', how], env=variables,
                                          text=True, stderr=subprocess.PIPE))
    return processes


def finish(processes: list[subprocess.Popen]):
    for process in processes:
        errors = process.communicate(timeout=900)[1]
        if process.returncode: raise SystemExit(errors[-3000:])


def kill_one(folder: Path, run: str, index: int) -> dict:
    "What the other process does when one is killed in the third epoch"
    processes = start(folder, run, 2)
    while not ((folder/run/'history.csv').exists() and len(read_history(folder/run)) >= 2): time.sleep(.02)
    begin = time.perf_counter()
    processes[index].send_signal(signal.SIGKILL)
    said = processes[1 - index].communicate(timeout=600)[1]
    words = [line for line in said.splitlines() if 'is gone' in line or 'Traceback' in line or 'Check failure' in line]
    return dict(killed=index, seconds=round(time.perf_counter() - begin, 2), code=processes[1 - index].returncode,
                said=[line.replace(socket.gethostname(), 'HOST') for line in words], epochs=len(read_history(folder/run)))


def main():
    with TemporaryDirectory() as folder:
        folder = Path(folder)
        toy_people(folder/'toys', n=48, size=(120, 160), seed=0)
        for count in (1, 2): finish(start(folder, f'of {count}', count))
        kills = [kill_one(folder, f'killed {index}', index) for index in (1, 0)]
        for kill in kills: finish(start(folder, f'killed {kill["killed"]}', 2, 'resume'))
        names = ('of 1', 'of 2', 'killed 1', 'killed 0')
        curves = {name: [row['loss'] for row in read_history(folder/name)] for name in names}
    RESULTS.write_text(json.dumps(dict(curves=curves, kills=kills), indent=1) + '\n')
    print(RESULTS.read_text())


if __name__ == '__main__': main()
