#!/usr/bin/env python3
"""How fast pictures and annotations are read, beside the original notebooks' generator and pycocotools.

    python benchmarks/loading.py                                        # drawn people of 640x480, two minutes
    python benchmarks/loading.py --data instances_val2017.json val2017  # photographs

Prints a table, and writes nbs/results/loading.json. Times are of one core, waiting not counted.
"""
import argparse
import json
import tempfile
import time
import warnings
from contextlib import redirect_stdout
from os import devnull
from pathlib import Path

import cv2
import keras
import numpy as np
from pycocotools.coco import COCO

from unetvgg_seg.annotations import find_images, open_annotations
from unetvgg_seg.cache import SampleCache
from unetvgg_seg.dataset import DataGenerator
from unetvgg_seg.pictures import find_picture
from unetvgg_seg.toys import toy_people

RESULTS = Path(__file__).resolve().parents[1]/'nbs/results/loading.json'
SIDE, BATCH = 256, 32


def seconds(f, *args, **kwargs):
    "Seconds of a core that a call takes, and what it gives"
    start = time.process_time()
    result = f(*args, **kwargs)
    return time.process_time() - start, result


def original_sample(coco, img_id, cat_ids, folder):
    "As the original's generator: the picture in Keras' way, all outlines at full size, both squashed"
    picture = keras.utils.load_img(find_picture(folder, coco.imgs[img_id]['file_name']), target_size=(SIDE, SIDE))
    masks = [coco.annToMask(a) for a in coco.loadAnns(coco.getAnnIds(imgIds=img_id, catIds=cat_ids, iscrowd=None))]
    mask = np.max(masks, axis=0) if masks else np.zeros((SIDE, SIDE), np.uint8)
    return keras.utils.img_to_array(picture) / 255, cv2.resize(mask, (SIDE, SIDE)) > 0


def exact_mask(coco, img_id, cat_ids):
    "All outlines at full size, then the mean of what each small pixel covers"
    masks = [coco.annToMask(a) for a in coco.loadAnns(coco.getAnnIds(imgIds=img_id, catIds=cat_ids))]
    mask = np.max(masks, axis=0).astype(np.float32)
    return cv2.resize(mask, (SIDE, SIDE), interpolation=cv2.INTER_AREA) >= .5


def iou(a, b): return (a & b).sum() / max((a | b).sum(), 1)


def all_masks(batches): return [mask[..., 0].astype(bool) for batch in batches for mask in batch[1]]


def read_all(generator): return [generator[n] for n in range(len(generator))]


def time_loaders(annotations, folder, cache, rounds):
    "Images a second: the original's way, ours, and ours from the cache; and how exact the masks are"
    cat_ids, img_ids, coco = find_images(annotations)
    ours = DataGenerator(cat_ids, img_ids, coco, BATCH, folder, size=SIDE, shuffle=False, resize='stretch')
    boxed = DataGenerator(cat_ids, img_ids, coco, BATCH, folder, size=SIDE, shuffle=False)
    cached = DataGenerator(cat_ids, img_ids, coco, BATCH, folder, size=SIDE, shuffle=False, load=SampleCache(cache, SIDE))
    ways = {'original': lambda: [original_sample(coco, i, cat_ids, folder) for i in ours.img_ids],
            'first pass': lambda: read_all(boxed), 'from the cache': lambda: read_all(cached),
            'only the JPEG, decoded at half size': lambda: [cv2.imread(str(file), cv2.IMREAD_REDUCED_COLOR_2) for file in files]}
    files = [find_picture(folder, coco.imgs[i]['file_name']) for i in ours.img_ids]
    filling = seconds(read_all, cached)[0]
    times = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items(): times[name].append(seconds(way)[0])
    rates = {name: round(len(ours.img_ids) / min(found)) for name, found in times.items()}
    exact = [exact_mask(coco, i, cat_ids) for i in ours.img_ids]
    masks = {'original': [mask for _, mask in ways['original']()], 'first pass': all_masks(read_all(ours))}
    agreement = {name: round(float(np.mean([iou(a, b) for a, b in zip(found, exact)])), 4) for name, found in masks.items()}
    return dict(images=len(ours.img_ids), images_a_second=rates | {'filling the cache': round(len(ours.img_ids) / filling)},
                agreement_with_exact_masks=agreement)


def large_file(path, images, people):
    "Annotations as large as train2017's, their outlines drawn by chance"
    rng = np.random.default_rng(0)
    owners = np.sort(np.append(np.arange(1, images + 1), rng.integers(1, images + 1, people - images)))
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    with path.open('w') as file:
        pictures = [dict(id=i, file_name=f'{i:012}.jpg', height=480, width=640) for i in range(1, images + 1)]
        file.write(json.dumps(dict(categories=[dict(id=1, name='person', supercategory='person')], images=pictures))[:-1])
        file.write(', "annotations": [')
        for n, owner in enumerate(owners.tolist(), 1):
            x, y, r = rng.uniform(60, 580), rng.uniform(60, 420), rng.uniform(20, 60, 24)
            outline = np.stack([x + r * np.cos(angles), y + r * np.sin(angles)], 1).round(2).ravel().tolist()
            record = dict(id=n, image_id=owner, category_id=1, iscrowd=0, area=5000.0, bbox=[x - 60, y - 60, 120, 120],
                          segmentation=[outline])
            file.write((', ' if n > 1 else '') + json.dumps(record))
        file.write(']}')
    return path


def time_annotations(path):
    "Seconds to open a large file: pycocotools, ours the first time, which makes an index, and ours from then on"
    with redirect_stdout(open(devnull, 'w')): theirs, _ = seconds(COCO, path)
    first, _ = seconds(open_annotations, path)
    second, coco = min((seconds(open_annotations, path) for _ in range(3)), key=lambda timed: timed[0])
    return dict(MB=round(path.stat().st_size / 1e6), images=len(coco.imgs), people=len(coco.anns), pycocotools=round(theirs, 2),
                first=round(first, 2), second=round(second, 3))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--data', nargs=2, type=Path, metavar=('ANNOTATIONS', 'IMAGES'), help='else drawn people')
    parser.add_argument('--quick', action='store_true', help='fewer pictures, a smaller file')
    parser.add_argument('--json', type=Path, default=RESULTS, help='file to write')
    args = parser.parse_args()
    warnings.simplefilter('ignore')
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as temp:
        folder = Path(temp)
        if not args.data: toys = toy_people(folder/'toys', n=32 if args.quick else 128, size=(480, 640))
        annotations, images = args.data or (toys/'annotations/instances_train2017.json', toys/'train2017')
        loader = time_loaders(annotations, images, folder/'cache', 1 if args.quick else 3)
        large = time_annotations(large_file(folder/'large.json', *((16028, 65616) if args.quick else (64115, 262465))))
    base = loader['images_a_second']['original']
    for name, rate in loader['images_a_second'].items(): print(f'{name:36} {rate:6} images/s {rate / base:6.1f}x')
    for name, same in loader['agreement_with_exact_masks'].items(): print(f'{name:36} IoU {same:.4f} with the exact masks')
    for name in ('pycocotools', 'first', 'second'):
        print(f'{name:36} {large[name]:6} s to open {large["MB"]} MB {large["pycocotools"] / large[name]:6.1f}x')
    args.json.write_text(json.dumps(dict(drawn=args.data is None, loader=loader, annotations=large), indent=1) + '\n')


if __name__ == '__main__': main()
