#!/usr/bin/env python3
"""Do a mask's edges get better by looking at the picture once more? Boundary IoU and milliseconds, into one JSON file.

    pip install pymatting       # if closed-form matting is to be among them
    python benchmarks/edges.py DATA --json nbs/results/edges.json

DATA holds `clothing_parsing` (fine outlines of the main person, so only what is near her counts) and `coco_person`. Each way of
finishing gets the mask of two looks; `pixels` is the longer side of the copy in which it works. Milliseconds are the processor's.
"""
import argparse
import json
import time
from pathlib import Path
from statistics import fmean

import cv2
import numpy as np
from looks import kept
from tqdm import tqdm

from unetvgg_seg import Segmenter
from unetvgg_seg.annotations import find_images, open_annotations
from unetvgg_seg.dataset import load_sample
from unetvgg_seg.images import fit_within
from unetvgg_seg.metrics import boundary_iou
from unetvgg_seg.refinement import second_look

SETS = {'coco': ('coco_person/annotations/instances_val.json', 'coco_person/val'),
        'clothing': ('clothing_parsing/instances.json', 'clothing_parsing/images')}


def watershed(image, mask):
    "Sure inside and outside grow toward each other until they meet at an edge (Meyer 1992)"
    markers = np.where(mask >= .8, 1, np.where(mask <= .2, 2, 0)).astype(np.int32)
    if not {1, 2} <= {*np.unique(markers)}: return mask
    cv2.watershed(image, markers)
    return np.where(markers == -1, mask, markers == 1).astype(np.float32)


def grabcut(image, mask):
    "The cheapest cut by color between sure inside and outside (Rother et al. 2004)"
    if not (mask >= .9).any() or not (mask <= .1).any(): return mask
    likely = np.where(mask >= .5, cv2.GC_PR_FGD, cv2.GC_PR_BGD)
    known = np.where(mask >= .9, cv2.GC_FGD, np.where(mask <= .1, cv2.GC_BGD, likely)).astype(np.uint8)
    try: cv2.grabCut(image, known, None, np.zeros((1, 65)), np.zeros((1, 65)), 1, cv2.GC_INIT_WITH_MASK)
    except cv2.error: return mask           # too few pixels for its colors
    return ((known == cv2.GC_FGD) | (known == cv2.GC_PR_FGD)).astype(np.float32)


def closed_form(image, mask):
    "Matting of the band in between (Levin, Lischinski, Weiss 2008), by pymatting"
    from pymatting import estimate_alpha_cf
    trimap = np.where(mask >= .9, 1., np.where(mask <= .1, 0, .5))
    if not {0, 1} <= {*np.unique(trimap)}: return mask
    return estimate_alpha_cf(image / 255., trimap).astype(np.float32)


def smaller(finish, pixels):
    "The same in a small copy, of which only the difference is enlarged"
    def finish_small(image, mask):
        size = fit_within(mask.shape, pixels)[::-1]
        image, small = (cv2.resize(array, size, interpolation=cv2.INTER_AREA) for array in (image, mask))
        return mask + cv2.resize(finish(image, small) - small, mask.shape[::-1])
    return finish_small


def ways():
    "The ways of finishing a mask that are there to try"
    yield 'watershed, 256 pixels', smaller(watershed, 256)
    yield 'watershed, full size', watershed
    yield 'GrabCut, 256 pixels', smaller(grabcut, 256)
    try: import pymatting       # noqa: F401
    except ImportError: return
    yield 'closed-form matting, 256 pixels', smaller(closed_form, 256)


def samples(data, name, n):
    "Some pictures with their truth, and where it counts"
    annotations, images = (data/part for part in SETS[name])
    categories, ids, coco = find_images(open_annotations(annotations), 'person')
    for i in tqdm(ids[::len(ids) // n], desc=name):
        sample = load_sample(coco, i, categories, images, 'ignore')
        known = np.asarray(sample.weight) > 0
        if name == 'clothing': known &= cv2.dilate(sample.mask.astype(np.uint8), np.ones((41, 41), np.uint8)) > 0
        yield sample, known


def measure(predict, data, name, n):
    "Boundary IoU and milliseconds of each way"
    finishes = dict(ways())
    scores = {way: [] for way in ('one look', 'two looks', *finishes)}
    took = dict.fromkeys(finishes, 0)
    for sample, known in samples(data, name, n):
        first = predict([sample.image])
        (mask,) = second_look(predict, [sample.image], first)
        masks = {'one look': first[0], 'two looks': mask}
        for way, finish in finishes.items():
            start = time.process_time()
            masks[way] = finish(sample.image, mask)
            took[way] += time.process_time() - start
        for way, mask in masks.items():
            scores[way].append(boundary_iou(sample.mask, np.where(known, mask >= .5, sample.mask), weight=known))
    return {way: dict(boundary_iou=fmean(values), images=len(values), ms=1000 * took[way] / len(values) if way in took else None)
            for way, values in scores.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('data', type=Path)
    parser.add_argument('--json', type=Path, required=True)
    parser.add_argument('--keep', type=Path, help='folder for the answers of the network')
    parser.add_argument('-n', type=int, default=25, help='pictures of each set')
    a = parser.parse_args()
    segmenter = Segmenter(refine=False)
    segmenter.tight = False         # one size for all: nothing is compiled twice
    result = {name: measure(kept(segmenter.predict, a.keep), a.data, name, a.n) for name in SETS}
    a.json.write_text(json.dumps(result, indent=1) + '\n')
    for name, figures in result.items():
        for way, s in figures.items(): print(name, way, round(s['boundary_iou'], 3), s['ms'] and f'{s["ms"]:.0f} ms')


if __name__ == '__main__':
    main()
