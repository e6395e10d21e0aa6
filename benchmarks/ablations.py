#!/usr/bin/env python3
"""What is each ingredient of `best` worth? Short runs from the same start, one JSON file each.

    KERAS_BACKEND=jax python benchmarks/ablations.py DATA OUT --minutes 4 --parallel 4

A run whose file is there is not repeated, so the script can be stopped and started again. After `--minutes` no new run begins.
`--parallel` runs several at a time, on one GPU. With `--table` it only prints the table.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import time

from real_sets import ENCODER, parser_of, recipe, score, train_on

SAME = dict(preset='best')
VARIANTS = {        # the most telling first
    'default': dict(preset='default'),
    'best': SAME,
    'without average': SAME | dict(average=0.0, unknown_weight=0.0),        # and so without its teaching
    'without unknown': SAME | dict(unknown_weight=0.0),
    'without scales': SAME | dict(views='crops'),
    'without paste': SAME | dict(paste=0.0),
    'without colors': SAME | dict(colors='same'),
    'without image Jaccard': SAME | dict(image_jaccard_weight=0.0),
    'encoder at full rate': SAME | dict(encoder_lr_scale=1.0),
    'without VGG preprocessing': SAME | dict(preprocessing=None),
    'original': dict(preset='original'),
}
COLUMNS = ('iou', 'image_iou', 'boundary_iou', 'false_positives')


def file_of(out, name, seed, kind='json'): return out/f'{name.replace(" ", "_")}.{seed}.{kind}'


def run_one(a, name, seed):
    "Train one variant and score it"
    from unetvgg_seg.settings import make_config
    settings = VARIANTS[name] | dict(seed=seed, encoder_weights=a.data/ENCODER, epochs=2)
    batch, sets = make_config(settings['preset'], annotations='', images='').batch_size, recipe(a.data)
    sets['extra'] = [s for s in sets['extra'] if 'people_more' in s['annotations']]
    folder, start = a.out/f'run {name} {seed}', time.time()
    limit = 192 if a.views > 999 else batch     # a multiple of all batch sizes: nothing is compiled twice
    report = train_on(a, folder, sets, **settings, steps_per_epoch=max(1, a.views // batch // 2), val_limit=limit)
    seconds = time.time() - start
    scores = score(folder/'best.keras', a.data, a.size)
    result = dict(name=name, seed=seed, seconds=round(seconds)) | scores | dict(report=report)
    file_of(a.out, name, seed).write_text(json.dumps(result, indent=1))
    shutil.rmtree(folder)
    print(name, seed, scores, f'{seconds:.0f} s', flush=True)


def run_all(a):
    "Start what is missing, some at a time"
    running, start = {}, time.time()
    todo = [(name, seed) for seed in range(a.seeds) for name in VARIANTS if not file_of(a.out, name, seed).exists()]
    todo = [job for job in todo if not a.only or job[0] in a.only]
    while todo or running:
        for job in [job for job, process in running.items() if process.poll() is not None]:
            if running.pop(job).returncode: print('failed:', *job, flush=True)
        if todo and len(running) < a.parallel and time.time() - start < 60 * a.minutes:
            job = todo.pop(0)
            log = open(file_of(a.out, *job, 'log'), 'w')
            command = [sys.executable, __file__, *sys.argv[1:], '--one', job[0], str(job[1])]
            running[job] = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        elif todo and not running: break        # the time is over
        else: time.sleep(.2)


def table(out):
    "Print the results, seeds side by side"
    print(f'{"":28}', *(f'{column:>16}' for column in COLUMNS))
    for name in VARIANTS:
        for file in sorted(out.glob(f'{name.replace(" ", "_")}.*.json')):
            result = json.loads(file.read_text())
            scores = (f'{result[column]:16.4f}' for column in COLUMNS)
            print(f'{name:28}', *scores, f' seed {result["seed"]}, {result["seconds"]} s')


def main():
    parser = parser_of(__doc__, 'out', views=12_800, size=128)
    parser.add_argument('--seeds', type=int, default=1)
    parser.add_argument('--minutes', type=float, default=1e9)
    parser.add_argument('--parallel', type=int, default=1)
    parser.add_argument('--only', nargs='*')
    parser.add_argument('--table', action='store_true')
    parser.add_argument('--one', nargs=2, help=argparse.SUPPRESS)
    a = parser.parse_args()
    a.out.mkdir(parents=True, exist_ok=True)
    if a.one: return run_one(a, a.one[0], int(a.one[1]))
    if not a.table:
        os.environ.setdefault('XLA_PYTHON_CLIENT_PREALLOCATE', 'false')     # several share one GPU
        run_all(a)
    table(a.out)


if __name__ == '__main__': main()
