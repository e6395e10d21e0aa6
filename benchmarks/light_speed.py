#!/usr/bin/env python3
"""How much faster the light network is than the original's way: the big one in float32, by `model.predict`, a picture at a time.

    python benchmarks/light_speed.py nbs/results/light_speed.json --rounds 15

The ways take turns on one picture of 256 pixels; a ratio is the median of the rounds'. Two are given: of the time by the clock,
and of the processor's time, all cores together, which hardly minds what else the machine does. What isn't installed (`fast`,
`int8`), or what the processor can't do (bfloat16), is left out.
"""
import argparse
import json
import os
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import keras
import numpy as np
from speed import features

from unetvgg_seg.devices import has_bfloat16
from unetvgg_seg.engines import make_engine
from unetvgg_seg.export import calibration_batches, export_model
from unetvgg_seg.model import LIGHT, vgg16_unet
from unetvgg_seg.weights import pretrained

TARGETS = {'keras float32': 10, 'keras mixed_bfloat16': 20, 'openvino int8': 40}


def engines(network, folder):
    "Every way to compute a network that this machine has"
    yield 'keras float32', make_engine(network, 'keras', 'f32').run
    if has_bfloat16(): yield 'keras mixed_bfloat16', make_engine(network, 'keras', 'bf16').run
    try:
        engine = make_engine(network, 'openvino')
        yield engine.name.replace('(', '').replace(')', ''), engine.run
        file = export_model(network, folder/'int8.xml', samples=calibration_batches(None, 256, 8))
        yield 'openvino int8', make_engine(file).run
    except ImportError as e: print(e)


def measure(ways, rounds):
    "Seconds of each way in each round, one after the other: by the clock, and of the processor"
    picture, seconds = calibration_batches(None, 256, 2)[0], {name: [] for name in ways}
    for n in range(-2, rounds):         # the first two rounds compile
        for name, run in ways.items():
            start = np.array([time.perf_counter(), time.process_time()])
            run(picture)
            if n >= 0: seconds[name].append([time.perf_counter(), time.process_time()] - start)
    return {name: np.array(times) for name, times in seconds.items()}


def summary(name, times, original):
    "Medians of one way"
    (clock, processor), (ratio, processor_ratio) = np.median(times, 0), np.median(original / times, 0)
    print(f'{name:28} clock {clock:8.4f} s, {ratio:6.1f} times; processor {processor:8.4f} s, {processor_ratio:6.1f} times')
    return dict(seconds=round(clock, 4), ratio=round(ratio, 1), processor_seconds=round(processor, 4),
                processor_ratio=round(processor_ratio, 1), target=TARGETS.get(name.removeprefix('light, ')))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('out', type=Path)
    parser.add_argument('--rounds', type=int, default=15)
    parser.add_argument('--weights', help='an .npz of the light network; without, random weights, which take as long')
    a = parser.parse_args()
    big = pretrained('person')
    light = pretrained(a.weights) if a.weights else vgg16_unet((None, None, 3), None, **LIGHT)
    with TemporaryDirectory() as folder:
        ways = {'original': lambda picture: big.predict(picture, verbose=0)}
        ways |= {f'light, {name}': run for name, run in engines(light, Path(folder))}
        seconds = measure(ways, a.rounds)
    rows = {name: summary(name, times, seconds['original']) for name, times in seconds.items()}
    about = dict(size=256, rounds=a.rounds, cores=os.cpu_count(), features=features(), keras=keras.version())
    a.out.write_text(json.dumps(about | dict(ways=rows), indent=1) + '\n')


if __name__ == '__main__': main()
