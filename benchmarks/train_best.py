#!/usr/bin/env python3
"""The whole recipe `best` in one go, on one GPU; beside it, what it scored.

    KERAS_BACKEND=jax python benchmarks/train_best.py DATA RUN --views 150000

DATA is laid out like the project's shared sets: `coco_person`, `coco_person_partial`, `people_more`, `clothing_parsing`, and
VGG16's weights. RUN becomes the folder of the run, and gets `scores.json` and, in halves of 16 bits, the weights.
"""
import argparse
import json
import time
from pathlib import Path

import cv2
import keras
import numpy as np

from unetvgg_seg import Segmenter, evaluate, train
from unetvgg_seg.model import vgg16_unet

ENCODER = 'vgg16_imagenet_notop.weights.h5'


def source(data, annotations, images, **how):
    return dict(annotations=str(data/annotations), images=str(data/images), **how)


def more_sets(data):
    "What is trained on besides `coco_person`, which comes twice in a pass"
    sets = [source(data, 'coco_person/annotations/instances_train.json', 'coco_person/train'),
            source(data, 'people_more/instances_train.json', 'people_more/images', repeat=1.5),
            source(data, 'people_more/instances_train_main.json', 'people_more/images', labeled_margin=.2),
            source(data, 'coco_person_partial/instances.json', 'coco_person_partial/images'),
            source(data, 'clothing_parsing/instances.json', 'clothing_parsing/images', labeled_margin=.15, repeat=.5)]
    return [s for s in sets if Path(s['annotations']).exists()]


def recipe(data):
    "The sets as `train` takes them"
    coco = data/'coco_person'
    return dict(annotations=coco/'annotations'/'instances_train.json', images=coco/'train', extra=more_sets(data),
                val_annotations=coco/'annotations'/'instances_val.json', val_images=coco/'val')


def at_size(file, size):
    "A trained network that takes pictures of another size"
    trained = keras.models.load_model(file)
    if trained.input_shape[1] == size: return file
    network = vgg16_unet((size, size, 3), None)
    network.set_weights(trained.get_weights())
    return network


def score(model, data, size):
    "On all pictures of `coco_person/val`, at their own size"
    coco = data/'coco_person'
    segmenter = Segmenter(at_size(model, size), batch_size=33)      # six batches of one shape
    result = evaluate(segmenter, coco/'annotations'/'instances_val.json', coco/'val', progress=False)
    return {name: result[name] for name in ('iou', 'image_iou', 'boundary_iou', 'false_positives', 'images')}


def save_halves(model, folder, parts=4):
    "The weights as float16, in files of about the same size"
    named = {w.path: np.asarray(w.value, np.float16 if len(w.shape) > 1 else np.float32) for w in model.weights}
    files = [{} for _ in range(parts)]
    for path in sorted(named, key=lambda path: -named[path].size):
        min(files, key=lambda file: sum(w.nbytes for w in file.values()))[path.replace('/', '.')] = named[path]
    for n, file in enumerate(files): np.savez(folder/f'weights_{n}.npz', **file)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('data', type=Path)
    parser.add_argument('run', type=Path)
    parser.add_argument('--views', type=int, default=150_000)
    parser.add_argument('--size', type=int, default=256)
    parser.add_argument('--batch', type=int, default=64)
    parser.add_argument('--epochs', type=int, default=10, help='how often it is validated and saved')
    parser.add_argument('--rate', type=float, default=7e-4, help='highest learning rate')
    parser.add_argument('--encoder', help="VGG16's weights, or 'none'; left out: those in DATA")
    parser.add_argument('--precision', default='auto')
    parser.add_argument('--workers', type=int)
    parser.add_argument('--cache', type=Path)
    parser.add_argument('--limit', type=int, help='validation pictures during the run: a multiple of the batch compiles once')
    a = parser.parse_args()
    cv2.setNumThreads(1)        # the workers are threads already
    encoder = None if a.encoder == 'none' else a.encoder or a.data/ENCODER
    start, steps = time.time(), max(1, a.views // (a.batch * a.epochs))
    report = train(a.run, **recipe(a.data), preset='best', size=a.size, batch_size=a.batch, epochs=a.epochs,
                   steps_per_epoch=steps,
                   learning_rate=a.rate, encoder_weights=encoder, negatives=.15, val_limit=a.limit,
                   precision=a.precision, workers=a.workers, cache=a.cache, verbose=2, overwrite=True)
    trained = time.time() - start
    print(f'trained in {trained:.0f} s, {report["images_per_second"]} views a second with validation', flush=True)
    save_halves(keras.models.load_model(a.run/'best.keras'), a.run)
    scores = dict(seconds=round(trained), views=steps * a.batch * a.epochs, report=report)
    for size in (a.size, a.size * 3 // 2 // 16 * 16):
        scores[f'at {size}'] = score(a.run/'best.keras', a.data, size)
        print(size, scores[f'at {size}'], flush=True)
    (a.run/'scores.json').write_text(json.dumps(scores, indent=1))


if __name__ == '__main__': main()
