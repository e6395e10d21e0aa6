#!/usr/bin/env python3
"""The whole recipe `best` in one go, on one GPU; beside it, what it scored.

    KERAS_BACKEND=jax python benchmarks/train_best.py DATA RUN --views 150000

DATA is laid out as `real_sets.py` says. RUN becomes the folder of the run, and gets `scores.json` and, in halves of 16 bits,
the weights.
"""
import json
import time

import keras
import numpy as np
from real_sets import ENCODER, parser_of, recipe, score, train_on


def save_halves(model, folder, parts=4):
    "The weights as float16, in files of about the same size"
    named = {w.path: np.asarray(w.value, np.float16 if len(w.shape) > 1 else np.float32) for w in model.weights}
    files = [{} for _ in range(parts)]
    for path in sorted(named, key=lambda path: -named[path].size):
        min(files, key=lambda file: sum(w.nbytes for w in file.values()))[path.replace('/', '.')] = named[path]
    for n, file in enumerate(files): np.savez(folder/f'weights_{n}.npz', **file)


def main():
    parser = parser_of(__doc__, 'run', views=150_000, size=256)
    parser.add_argument('--batch', type=int, default=64)
    parser.add_argument('--epochs', type=int, default=10, help='how often it is validated and saved')
    parser.add_argument('--rate', type=float, default=7e-4, help='highest learning rate')
    parser.add_argument('--encoder', help="VGG16's weights, or 'none'; left out: those in DATA")
    parser.add_argument('--limit', type=int, help='validation pictures during the run: a multiple of the batch compiles once')
    a = parser.parse_args()
    encoder = None if a.encoder == 'none' else a.encoder or a.data/ENCODER
    start, steps = time.time(), max(1, a.views // (a.batch * a.epochs))
    report = train_on(a, a.run, recipe(a.data), preset='best', batch_size=a.batch, epochs=a.epochs, steps_per_epoch=steps,
                      learning_rate=a.rate, encoder_weights=encoder, negatives=.15, val_limit=a.limit)
    trained = time.time() - start
    print(f'trained in {trained:.0f} s, {report["images_per_second"]} views a second with validation', flush=True)
    save_halves(keras.models.load_model(a.run/'best.keras'), a.run)
    scores = dict(seconds=round(trained), views=steps * a.batch * a.epochs, report=report)
    for size in (a.size, a.size * 3 // 2 // 16 * 16):
        scores[f'at {size}'] = score(a.run/'best.keras', a.data, size)
        print(size, scores[f'at {size}'], flush=True)
    (a.run/'scores.json').write_text(json.dumps(scores, indent=1))


if __name__ == '__main__': main()
