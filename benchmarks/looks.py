#!/usr/bin/env python3
"""What are a second look and dropped ghosts worth? Scores on the validation pictures, and the time, into one JSON file.

    python benchmarks/looks.py DATA --precision bf16 --others --json nbs/results/looks.json --clip DATA/videos/*walk.mkv

DATA holds `coco_person` and `people_more`, each with its annotations. The network computes in OpenVINO, if that is installed.
With `--keep FOLDER` its answers are kept there, so that the script can be stopped and goes on where it was.
"""
import argparse
import hashlib
import json
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
from tqdm import tqdm

from unetvgg_seg import Segmenter
from unetvgg_seg.annotations import find_images, open_annotations
from unetvgg_seg.dataset import load_sample
from unetvgg_seg.evaluation import _count_people, _figures, score_mask
from unetvgg_seg.frames import read_video
from unetvgg_seg.images import batched
from unetvgg_seg.matting import TemporalSmoother
from unetvgg_seg.prediction import SURE_TWICE
from unetvgg_seg.refinement import drop_ghosts, find_people, second_look

SETS = {'coco': ('coco_person/annotations/instances_val.json', 'coco_person/val'),
        'more': ('people_more/instances_val.json', 'people_more/images')}
VARIANTS = ('one look', 'one look, no ghosts', 'two looks', 'two looks, no ghosts')
OTHERS = {'mirrored': dict(flip=True), '320': dict(size=320)}      # what else could be done, on COCO's pictures


def kept(predict, folder):
    "The mask of one picture, computed or taken from a folder of earlier answers"
    def answer(picture):
        file = folder/f'{hashlib.sha1(repr(picture.shape).encode() + picture.tobytes()).hexdigest()}.npy'
        if not file.is_file(): np.save(file, predict([picture])[0].astype(np.float16))
        return np.load(file).astype(np.float32)
    if folder is None: return predict
    folder.mkdir(parents=True, exist_ok=True)
    return lambda pictures: [answer(picture) for picture in pictures]


def masks_of(predict, image):
    "The masks of one picture by each of VARIANTS, and how many crops the last two took"
    first = predict([image])
    clean = [drop_ghosts(first[0])]
    crops, clean_crops = (find_people(mask[0]) for mask in (first, clean))
    two, both = (second_look(predict, [image], masks) for masks in (first, clean))
    return [*first, *clean, *two, drop_ghosts(both[0], high=SURE_TWICE)], len(crops), len(clean_crops)


def pictures_of(data, name, step=1):
    "Each picture of a set with its true mask, and how many people are in it"
    annotations, images = (data/part for part in SETS[name])
    categories, ids, coco = find_images(open_annotations(annotations), 'person', present=None)
    for i in tqdm(ids[::step], desc=name):
        yield load_sample(coco, i, categories, images, 'ignore'), _count_people(coco, i, categories)


def measure(predict, data, name, step):
    "The figures of one set by variant"
    scores, crops = [[] for _ in VARIANTS], []
    for sample, people in pictures_of(data, name, step):
        masks, *counts = masks_of(predict, sample.image)
        crops.append(counts)
        for scored, mask in zip(scores, masks):
            scored.append(score_mask(sample, mask))
            scored[-1].people = people
    return dict(zip(VARIANTS, map(_figures, scores))) | dict(crops=np.mean(crops, axis=0).tolist())


def price(data, step):
    "How much longer two looks take than one: pictures in turn, one look and two in turn, in the processor's time"
    seconds = {Segmenter(refine=False): 0, Segmenter(): 0}
    for sample, _ in pictures_of(data, 'coco', step):
        for segmenter in seconds: segmenter.predict(sample.image)        # compiled for this size
        for segmenter in seconds:
            start = time.process_time()
            segmenter.predict(sample.image)
            seconds[segmenter] += time.process_time() - start
    once, twice = seconds.values()
    return twice / once


def film(clip, seconds=8):
    "For a film without and with a second look: how alike neighboring masks are (IoU), and the time in the processor's seconds"
    frames, found = list(read_video(clip, seconds=seconds)), {}
    for refine in (False, True):
        finder, hold = Segmenter().for_film(refine), TemporalSmoother()
        finder.predict(frames[:8])                                      # compiled
        finder, start, masks = Segmenter().for_film(refine), time.process_time(), []
        for batch in batched(frames, 8): masks += finder.predict(batch)
        spent = time.process_time() - start
        there = [hold(frame, mask) >= .5 for frame, mask in zip(frames, masks)]
        alike = [(a & b).sum() / (a | b).sum() for a, b in pairwise(there) if (a | b).any()]
        found['two looks' if refine else 'one look'] = dict(alike=float(np.mean(alike)), seconds=round(spent, 1))
    return found | dict(frames=len(frames))


def segmenter_for(**how):
    "One look, ghosts and all, and one size for all: nothing is compiled twice"
    segmenter = Segmenter(refine=False, drop_ghosts=False, **how)
    segmenter.tight = False
    return segmenter


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('data', type=Path)
    parser.add_argument('--json', type=Path, required=True)
    parser.add_argument('--keep', type=Path, help='folder for the answers of the network')
    parser.add_argument('--sets', nargs='+', default=[*SETS], choices=[*SETS])
    parser.add_argument('--step', type=int, default=1, help='only every so many pictures')
    parser.add_argument('--precision', help="the network's number format; without it the fastest")
    parser.add_argument('--others', action='store_true', help='also mirrored, and with 320 pixels: four times as long')
    parser.add_argument('--clip', type=Path, help='a film, to see what its second look is worth')
    a = parser.parse_args()
    segmenter = segmenter_for(precision=a.precision)
    result = dict(engine=segmenter.engine.name, size=list(segmenter.size))
    for name in a.sets: result[name] = measure(kept(segmenter.predict, a.keep), a.data, name, a.step)
    for name, how in OTHERS.items() if a.others else ():
        folder = a.keep and a.keep/name
        result[name] = measure(kept(segmenter_for(precision=a.precision, **how).predict, folder), a.data, 'coco', a.step)
    if a.clip: result['film'] = film(a.clip)
    result['time'] = price(a.data, 12 * a.step)
    a.json.write_text(json.dumps(result, indent=1) + '\n')
    for name in [*a.sets, *(OTHERS if a.others else ())]:
        for variant in VARIANTS:
            s = result[name][variant]
            print(name, variant, *(s[k] and round(s[k], 3) for k in ('iou', 'image_iou', 'boundary_iou', 'false_positives')))
    print('crops', [result[name]['crops'] for name in a.sets], 'time', result['time'], result.get('film', ''))


if __name__ == '__main__':
    main()
