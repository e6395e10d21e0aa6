#!/usr/bin/env python3
"""How fast shuffled pictures are read: from a folder, from our shards, and from other formats of shards.

    pip install mfusepy && apt install fuse3                             # for a drive that is far; Linux
    python benchmarks/sharding.py                                        # drawn people, copied to 4,000 files, five minutes
    python benchmarks/sharding.py --data instances_val2017.json val2017  # photographs
    pip install array_record webdataset                                  # to have these formats compared, too

Prints tables, and writes nbs/results/sharding.json. Pictures a second by the clock, the median of the rounds, in which the ways
take turns. Cold: what the system has kept of the files in memory is thrown away first; as root, of their names and places, too.
Far: read over `far_drive.py`, on which each question takes a millisecond, as on a drive in a network.
"""
import argparse
import itertools
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

import cv2
import tensorflow as tf

from unetvgg_seg.annotations import find_images
from unetvgg_seg.dataset import load_sample
from unetvgg_seg.packed import open_picture
from unetvgg_seg.shards import shard_dataset
from unetvgg_seg.toys import toy_people

RESULTS = Path(__file__).resolve().parents[1]/'nbs/results/sharding.json'
SIDE, PER_SHARD, BUFFER = 256, 500, 1000


def many_files(annotations, images, folder, count):
    "A dataset of so many pictures: the given ones again and again, under new names"
    old = json.loads(Path(annotations).read_text())
    outlines = {}
    for a in old['annotations']: outlines.setdefault(a['image_id'], []).append(a)
    records, people = [], []
    (folder/'photos').mkdir(parents=True)
    for n, record in zip(range(1, count + 1), itertools.cycle(old['images'])):
        name = f'{n:012}.jpg'
        shutil.copyfile(Path(images)/record['file_name'], folder/'photos'/name)
        records.append(record | dict(id=n, file_name=name))
        people += [a | dict(id=len(people) + k, image_id=n) for k, a in enumerate(outlines.get(record['id'], []), 1)]
    (folder/'labels.json').write_text(json.dumps(dict(images=records, annotations=people, categories=old['categories'])))
    return folder/'labels.json', folder/'photos'


def forget(folder):
    "Have the system read the files of a folder from the disk again; whether their names and places as well"
    os.sync()
    for file in folder.rglob('*'):
        if not file.is_file(): continue
        with file.open('rb') as opened: os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    with suppress(OSError):
        Path('/proc/sys/vm/drop_caches').write_text('2')
        return True
    return False


@contextmanager
def far_away(folder, ms):
    "A folder as it looks over a network, each time in another place"
    mount = Path(tempfile.mkdtemp())
    drive = subprocess.Popen([sys.executable, Path(__file__).with_name('far_drive.py'), folder, mount, '--ms', str(ms)],
                             stderr=subprocess.DEVNULL)
    while not mount.is_mount():
        if drive.poll() is not None: raise OSError('far_drive.py could not be mounted')
        time.sleep(.1)
    try: yield mount
    finally:
        subprocess.run(['fusermount3', '-u', '-z', mount], check=True)       # -z: files may still be open
        drive.kill()
        drive.wait()
        mount.rmdir()


def content(path):
    with open_picture(path) as file: return file.read()


def write_tfrecords(files, folder):
    folder.mkdir()
    for first in range(0, len(files), PER_SHARD):
        with tf.io.TFRecordWriter(str(folder/f'{first:06}.tfrecord')) as writer:
            for file in files[first:first + PER_SHARD]: writer.write(file.read_bytes())


def write_array_records(files, folder):
    from array_record.python.array_record_module import ArrayRecordWriter
    folder.mkdir()
    for first in range(0, len(files), PER_SHARD):
        writer = ArrayRecordWriter(str(folder/f'{first:06}.array_record'), 'group_size:1,uncompressed')
        for file in files[first:first + PER_SHARD]: writer.write(file.read_bytes())
        writer.close()


def stream_tfrecords(folder, count):
    "As tf.data reads them: several files at once, through a buffer that shuffles"
    files = tf.data.Dataset.list_files(str(folder/'*.tfrecord'), shuffle=True)
    records = files.interleave(tf.data.TFRecordDataset, cycle_length=4, num_parallel_calls=4).shuffle(BUFFER).take(count)
    return [record.numpy() for record in records.prefetch(100)]


def stream_tars(folder, count):
    "As WebDataset reads our shards"
    from webdataset import WebDataset
    tars = sorted(map(str, folder.glob('*.tar')))
    return [sample['jpg'] for sample in itertools.islice(WebDataset(tars, shardshuffle=len(tars)).shuffle(BUFFER), count)]


def read_array_records(folder, places, threads):
    from array_record.python.array_record_data_source import ArrayRecordDataSource
    source = ArrayRecordDataSource([str(file) for file in sorted(folder.glob('*.array_record'))])
    return in_threads(lambda n: source[n], places, threads)


def in_threads(read, items, threads):
    if threads == 1: return [read(item) for item in items]
    with ThreadPoolExecutor(threads) as pool: return list(pool.map(read, items))


def ways_to_read(base, names, chosen):
    "Ways to read the bytes of so many pictures, shuffled; each with the folder that it reads"
    ways, places = {}, [names.index(name) for name in chosen]
    for threads in (1, 8):
        said = '' if threads == 1 else ', 8 threads'
        for title, folder in (('folder', 'photos'), ('shards', 'shards')):
            ways[title + said] = folder, lambda f=base/folder, t=threads: in_threads(lambda n: content(f/n), chosen, t)
        if find_spec('array_record'):
            ways['ArrayRecord' + said] = 'array_records', lambda t=threads: read_array_records(base/'array_records', places, t)
    ways['TFRecord, tf.data'] = 'tfrecords', lambda: stream_tfrecords(base/'tfrecords', len(chosen))
    if find_spec('webdataset'): ways['shards, WebDataset'] = 'shards', lambda: stream_tars(base/'shards', len(chosen))
    return ways


def ways_to_load(base, labels, chosen):
    "Ways to make samples of so many pictures: bytes, decoded and shrunk, and a mask"
    cat_ids, _, coco = find_images(labels, present=None)
    ids, ways = [int(Path(name).stem) for name in chosen], {}
    for title, folder in (('folder', 'photos'), ('shards', 'shards')):
        def load(i, f=base/folder): return load_sample(coco, i, cat_ids, f, side=SIDE)
        ways[title] = folder, lambda load=load: in_threads(load, ids, os.cpu_count())
    return ways


def measure(base, ways, count, rounds):
    "Pictures a second of each way, cold and warm, in turns"
    rates = {name: dict(cold=[], warm=[]) for name in ways}
    for _, name in itertools.product(range(rounds), ways):
        folder, way = ways[name]
        forget(base/folder)
        for state in ('cold', 'warm'): rates[name][state].append(rate_of(way, count))
    return {name: {state: round(statistics.median(found)) for state, found in states.items()} for name, states in rates.items()}


def rate_of(way, count):
    "Pictures a second of a way to get so many"
    start = time.perf_counter()
    assert len(way()) == count
    return count / (time.perf_counter() - start)


def measure_far(base, names, chosen, ms, rounds):
    "Pictures a second of each way over a network, in turns; the drive is connected anew each time"
    rates = {}
    for _, name in itertools.product(range(rounds), ways_to_read(base, names, chosen)):
        with far_away(base, ms) as mount:
            content(mount/'shards'/chosen[0])        # the index is read once in a run
            rates.setdefault(name, []).append(rate_of(ways_to_read(mount, names, chosen)[name][1], len(chosen)))
    return {name: round(statistics.median(found)) for name, found in rates.items()}


def time_copy(base, rounds):
    "Seconds to copy the folder and the shards, cold"
    seconds = dict(folder=[], shards=[])
    for _, (name, folder) in itertools.product(range(rounds), (('folder', 'photos'), ('shards', 'shards'))):
        forget(base/folder)
        start = time.perf_counter()
        shutil.copytree(base/folder, base/'copy')
        os.sync()
        seconds[name].append(time.perf_counter() - start)
        shutil.rmtree(base/'copy')
    return {name: round(statistics.median(found), 2) for name, found in seconds.items()}


def prepare(base, data, count):
    "All forms of one dataset; its annotations, the names of its pictures, and the seconds that packing took"
    if not data:
        toys = toy_people(base/'toys', n=64, size=(480, 640))
        data = toys/'annotations/instances_train2017.json', toys/'train2017'
    labels, photos = many_files(*data, base, count)
    start = time.perf_counter()
    shard_dataset(labels, photos, base/'shards', PER_SHARD, progress=False)
    packing = time.perf_counter() - start
    files = sorted(photos.iterdir())
    write_tfrecords(files, base/'tfrecords')
    if find_spec('array_record'): write_array_records(files, base/'array_records')
    return labels, [file.name for file in files], packing


def show(title, rates):
    print(f'{title:24} {"cold":>8} {"warm":>8}')
    for name, states in rates.items(): print(f'{name:24} {states["cold"]:8,} {states["warm"]:8,}')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--data', nargs=2, type=Path, metavar=('ANNOTATIONS', 'IMAGES'), help='else drawn people')
    parser.add_argument('--files', type=int, default=4000, help='pictures in all; from fewer, copies are made')
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--place', type=Path, help='folder on the disk to measure; else where temporary files go')
    parser.add_argument('--ms', type=float, default=1, help='milliseconds for a question over the network')
    parser.add_argument('--json', type=Path, default=RESULTS, help='file to write')
    args = parser.parse_args()
    if not (find_spec('mfusepy') and shutil.which('fusermount3')): parser.error('pip install mfusepy && apt install fuse3 first')
    warnings.simplefilter('ignore')
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory(dir=args.place) as temp:
        base = Path(temp)
        labels, names, packing = prepare(base, args.data, args.files)
        chosen = random.Random(0).sample(names, args.files // 2)
        few = chosen[:args.files // 10]
        size = sum(file.stat().st_size for file in (base/'photos').iterdir())
        report = dict(drawn=args.data is None, files=args.files, bytes=size, cores=os.cpu_count(),
                      names_forgotten=forget(base/'photos'),
                      packing_seconds=round(packing, 2), copying_seconds=time_copy(base, args.rounds),
                      read=measure(base, ways_to_read(base, names, chosen), len(chosen), args.rounds),
                      samples=measure(base, ways_to_load(base, labels, few), len(few), args.rounds))
        report['far'] = dict(ms=args.ms, read=measure_far(base, names, chosen[:args.files // 4], args.ms, args.rounds))
    show('bytes, pictures/s', report['read'])
    show(f'samples, {report["cores"]} threads', report['samples'])
    print(f'at {args.ms:g} ms a question:', ', '.join(f'{name} {rate:,}' for name, rate in report['far']['read'].items()))
    print(f'packed in {report["packing_seconds"]} s; copied in {report["copying_seconds"]}')
    args.json.write_text(json.dumps(report, indent=1) + '\n')


if __name__ == '__main__': main()
