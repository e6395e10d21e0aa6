#!/usr/bin/env python3
"""A light network for live pictures, taught by the one that ships; for as many minutes as there are.

    python benchmarks/train_light.py DATA RUN --minutes 90 --start light_start.npz

DATA is laid out like the project's shared sets: `coco_person`, `coco_person_partial`, `people_more`, `clothing_parsing`.
RUN gets a cache of pictures with their teacher's masks, `curve.csv`, `state.*` and, from the first score on, `light.npz`.
Started again with the same RUN it goes on. `--only-cache` stops when all pictures are in the cache; `--trial 30` trains for
30 seconds to see how many views a second there are.
"""
import argparse
import csv
import json
import math
import time
from pathlib import Path

import cv2
import keras
import numpy as np
from keras import ops
from train_best import more_sets, source

from unetvgg_seg import Segmenter, evaluate
from unetvgg_seg.annotations import find_images
from unetvgg_seg.augmentation import STRONG, change_color, view_matrix
from unetvgg_seg.averaging import AveragedModel
from unetvgg_seg.dataset import Source, join_datasets, load_sample
from unetvgg_seg.devices import best_precision
from unetvgg_seg.files import atomic_write
from unetvgg_seg.images import PAD_COLOR
from unetvgg_seg.model import LIGHT, vgg16_unet
from unetvgg_seg.weights import pretrained, save_weights

STORED, SEEN = 320, 256         # pixels: longer side in the cache, and what a view is drawn for


# --- pictures, and what the teacher says of them --------------------------------------------------------------------------
def samples(data):
    "Each picture once, in a random order: `(set, weight, load)`"
    known = dict(coco_person=2.0, coco_person_partial=1.2, people_more=1.5, clothing_parsing=.5)    # how often it is seen
    sets = [source(data, 'coco_person/annotations/instances_train.json', 'coco_person/train'), *more_sets(data)[1:]]
    found = []
    for one in sets:
        coco = join_datasets([Source(**one | dict(repeat=1))])
        cat_ids, ids, _ = find_images(coco, 'person', present=None)
        weight = known[Path(one['images']).relative_to(data).parts[0]]
        found += [(weight, coco, i, cat_ids) for i in ids]
    return [found[n] for n in np.random.default_rng(0).permutation(len(found))]


def open_cache(folder, n, mode):
    "Pictures, labels (0 nobody, 128 unknown, 255 person), and the teacher's masks, all in squares; sizes and weights"
    shapes = dict(images=(n, STORED, STORED, 3), labels=(n, STORED, STORED), masks=(n, STORED, STORED), sizes=(n, 3))
    def array(name, shape):
        kind = np.float32 if name == 'sizes' else np.uint8
        return np.lib.format.open_memmap(folder/f'{name}.npy', mode, kind, shape if mode == 'w+' else None)
    return {name: array(name, shape) for name, shape in shapes.items()}


def count_done(folder):
    "How many pictures are in the cache"
    count = folder/'done.txt'
    return int(count.read_text() or 0) if count.exists() else 0


def fill_cache(data, folder, teacher, at_once=16):
    "Look at each picture once, and let the teacher look at it; goes on where it was stopped"
    todo, done = samples(data), count_done(folder)
    cache = open_cache(folder, len(todo), 'r+' if done else 'w+')
    segmenter = Segmenter(teacher, size=SEEN, batch_size=at_once, refine=False)
    for first in range(done, len(todo), at_once):
        batch = [load_sample(coco, i, ids, '/', 'ignore', STORED) for _, coco, i, ids in todo[first:first + at_once]]
        for n, (sample, mask) in enumerate(zip(batch, segmenter.predict([s.image for s in batch])), start=first):
            height, width = mask.shape
            cache['images'][n, :height, :width] = sample.image
            cache['labels'][n, :height, :width] = np.where(sample.weight, sample.mask * np.uint8(255), np.uint8(128))
            cache['masks'][n, :height, :width] = np.round(mask * 255)
            cache['sizes'][n] = height, width, todo[n][0]
        with atomic_write(folder/'done.txt', overwrite=True) as aside: aside.write_text(str(first + len(batch)))
        if first % 320 == 0: print(f'{first} of {len(todo)} pictures', flush=True)


# --- views ------------------------------------------------------------------------------------------------------------
def recolored(rng, image):
    "The picture in another light"
    tint = rng.uniform(*STRONG) * np.exp(rng.normal(0, .05, 3))
    return change_color(image, 0, rng.uniform(*STRONG), np.exp(rng.uniform(-.3, .3)), tint, rng.uniform(.4, 1.5))


def view(rng, cache, n, size):
    "A random part of a random view: the picture, and target and weight of each pixel"
    height, width = cache['sizes'][n, :2].astype(int)
    matrix = view_matrix(rng, (height, width), SEEN)        # people as large as in whole pictures of SEEN pixels
    matrix[:, 2] += matrix[:, :2] @ rng.uniform(0, SEEN - size + 1e-9, 2) - .5
    def look(array, fill=0):
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return cv2.warpAffine(array[:height, :width], matrix, (size, size), flags=flags, borderValue=fill)
    image, labels, mask = look(cache['images'][n], PAD_COLOR), look(cache['labels'][n]), look(cache['masks'][n]) / np.float32(255)
    inside = look(np.full((height, width), 255, np.uint8)) / np.float32(255)
    known = (labels < 64) | (labels > 191)
    target = np.where(known, (mask + (labels > 127)) / 2, mask)         # half the teacher, half the label
    return recolored(rng, image) if rng.random() < .8 else image, np.stack([target, inside], -1)


class Views(keras.utils.PyDataset):
    "Batches of views, smaller ones first"
    def __init__(self, run):
        super().__init__(workers=1, max_queue_size=4)
        self.run, self.cache = run, open_cache(run.folder, 0, 'r')

    def __len__(self): return 10 ** 6

    def __getitem__(self, index):
        rng, run = np.random.default_rng([self.run.seed, index]), self.run
        size, batch = (run.size, run.batch) if run.progress() < run.last_part else (SEEN, run.batch * run.size ** 2 // SEEN ** 2)
        chances = self.cache['sizes'][:count_done(run.folder), 2].astype(np.float64)        # the cache may still be growing
        chosen = rng.choice(len(chances), batch, p=chances / chances.sum())
        images, targets = zip(*(view(rng, self.cache, n, size) for n in chosen))
        return np.stack(images) / np.float32(255), np.stack(targets).astype(np.float32)


# --- learning ---------------------------------------------------------------------------------------------------------
def taught(y_true, y_pred):
    "Cross-entropy, and the Jaccard loss for soft targets (Wang et al. 2023), of the batch and of its views"
    target, inside = y_true[..., :1], y_true[..., 1:]
    answer = ops.clip(y_pred, 1e-6, 1 - 1e-6)
    entropy = -(target * ops.log(answer) + (1 - target) * ops.log(1 - answer))
    entropy = ops.sum(entropy * inside) / ops.sum(inside)
    def total(x): return ops.sum(x * inside, axis=(1, 2, 3))
    both, apart = total(target) + total(y_pred), total(ops.abs(target - y_pred))
    somebody = ops.cast(total(target) > 40, 'float32')
    each = (2 * apart) / (both + apart + 1)         # 1 - intersection / union
    batch = 2 * ops.sum(apart) / (ops.sum(both) + ops.sum(apart) + 1)
    return entropy + .5 * batch + .5 * ops.sum(each * somebody) / (ops.sum(somebody) + 1e-6)


class Run(keras.callbacks.Callback):
    "The clock of a run: learning rate, scores, states, and the end"
    def __init__(self, a, folder):
        super().__init__()
        self.a, self.folder, self.size, self.batch, self.last_part = a, folder, a.size, a.batch, a.last_part
        note = folder/'state.json'
        old = json.loads(note.read_text()) if note.exists() else dict(seconds=0, processor=0, views=0, steps=0, starts=0)
        self.before, self.processor, self.views, self.steps = (old[k] for k in ('seconds', 'processor', 'views', 'steps'))
        self.start, self.scored, self.seed = None, None, old['starts']

    def seconds(self): return self.before + (time.time() - self.start if self.start else 0)

    def go_on(self): self.start, self.scored, self.started = time.time(), time.time(), time.process_time()

    def progress(self): return min(1, self.seconds() / 60 / self.a.minutes)

    def on_train_begin(self, logs=None):
        if not (self.a.trial or (self.folder/'curve.csv').exists()): self.save(math.nan)     # what it begins with
        self.start = None           # until the first step is done, which compiles

    def on_train_batch_begin(self, batch, logs=None):
        warm, now = min(1, (self.steps + 1) / 30), self.progress()
        self.model.optimizer.learning_rate.assign(self.a.rate * warm * (.5 + .5 * math.cos(math.pi * now)) + 1e-6)

    def on_train_batch_end(self, batch, logs=None):
        if not self.start: self.go_on()
        self.steps += 1
        self.views += self.batch if self.progress() < self.last_part else self.batch * self.size ** 2 // SEEN ** 2
        if self.steps % 20 == 0:
            print(f'{self.steps} steps, {self.views} views, {self.seconds():.0f} s, loss {logs["loss"]:.4f}', flush=True)
        over = self.progress() >= 1
        if not self.a.trial and (over or time.time() - self.scored > 60 * self.a.every): self.save(logs['loss'])
        if over or self.a.trial and time.time() - self.start > self.a.trial: self.model.stop_training = True

    def save(self, loss):
        "Score the average, and save all that is needed to go on"
        self.before, self.processor = self.seconds(), self.processor + (time.process_time() - self.started if self.start else 0)
        network = vgg16_unet((None, None, 3), None, **LIGHT)
        network.set_weights(self.model.average.get_weights())
        save_weights(self.folder/'light.npz', network)
        self.model.save_weights(self.folder/'state.weights.h5')
        state = dict(seconds=self.before, processor=self.processor, views=self.views, steps=self.steps, starts=self.seed + 1)
        (self.folder/'state.json').write_text(json.dumps(state))
        coco = self.a.data/'coco_person'
        scores = evaluate(Segmenter(network, size=SEEN), coco/'annotations'/'instances_val.json', coco/'val', progress=False)
        spent = dict(views=self.views, seconds=round(self.before), processor_seconds=round(self.processor))
        row = spent | {f'val_{name}': round(scores[name], 4) for name in ('iou', 'image_iou', 'false_positives')}
        row['loss'] = round(float(loss), 4)
        curve = self.folder/'curve.csv'
        with open(curve, 'a', newline='') as file:
            writer = csv.DictWriter(file, row)
            if not curve.stat().st_size: writer.writeheader()
            writer.writerow(row)
        print(row, flush=True)
        self.go_on()                            # scoring is no training
        self.model.reset_metrics()              # the next row's loss is the mean from here on


def set_named(network, file):
    "Give a network arrays that are named 'layer/what', or what `save_weights` wrote"
    with np.load(file) as arrays:
        if 'about' in arrays: return network.set_weights(pretrained(file).get_weights())
        for layer in network.layers:
            for weight in layer.weights: weight.assign(arrays[f'{layer.name}/{weight.name}'].astype(np.float32))


def make_model(a):
    "The student and its average, compiled"
    student = vgg16_unet((None, None, 3), None, policy=a.precision or best_precision(), momentum=.95, **LIGHT)
    if a.start: set_named(student, a.start)
    model = AveragedModel(student, momentum=a.momentum)
    optimizer = keras.optimizers.AdamW(a.rate, weight_decay=.01, beta_2=.98, global_clipnorm=5)
    model.compile(optimizer, taught, jit_compile=False)
    return model


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('data', type=Path)
    parser.add_argument('run', type=Path)
    parser.add_argument('--minutes', type=float, default=90, help='of training, all starts together')
    parser.add_argument('--start', type=Path, help='arrays to begin with')
    parser.add_argument('--teacher', default='person', help='its name, or a file of `unetvgg-seg export`')
    parser.add_argument('--size', type=int, default=160, help='side of a view, until the last part of the run')
    parser.add_argument('--batch', type=int, default=16)
    parser.add_argument('--last-part', type=float, default=.85, help=f'from here on the views are {SEEN} pixels')
    parser.add_argument('--rate', type=float, default=1.5e-3, help='highest learning rate')
    parser.add_argument('--momentum', type=float, default=.997, help='of the average')
    parser.add_argument('--every', type=float, default=6, help='minutes from score to score')
    parser.add_argument('--precision', help='a Keras dtype policy')
    parser.add_argument('--trial', type=float, help='seconds')
    parser.add_argument('--only-cache', action='store_true')
    a = parser.parse_args()
    a.run.mkdir(parents=True, exist_ok=True)
    cv2.setNumThreads(1)
    if a.only_cache: return fill_cache(a.data, a.run, a.teacher)
    run, model = Run(a, a.run), make_model(a)
    model.build((None, None, None, 3))
    if run.views:
        model.optimizer.build(model.trainable_variables)
        model.load_weights(a.run/'state.weights.h5')
    print(f'{count_done(a.run)} pictures, {keras.backend.backend()}, {model.student.dtype_policy.name}', flush=True)
    model.fit(Views(run), steps_per_epoch=10 ** 6, verbose=0, callbacks=[run])
    print(f'{run.views / run.seconds():.1f} views a second', flush=True)


if __name__ == '__main__': main()
