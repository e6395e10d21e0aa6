#!/usr/bin/env python3
"""How fast the package is, beside the original notebooks' way, on one clip and one machine.

    python benchmarks/speed.py                 # about five minutes; --quick: one
    python benchmarks/speed.py --clip my.mp4   # another clip than the drawn one

Prints tables, and writes nbs/results/speed.json. Nothing else should run meanwhile. Engines that are not installed are left out.
"""
import argparse
import json
import os
import platform
import resource
import tempfile
import time
import warnings
from contextlib import contextmanager, suppress
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from inspect import signature
from multiprocessing import get_context
from pathlib import Path

import cv2
import imageio
import numpy as np
from PIL import Image

from unetvgg_seg import Segmenter, segment_video
from unetvgg_seg.collage import make_effect
from unetvgg_seg.engines import in_float32
from unetvgg_seg.frames import read_video, video_info
from unetvgg_seg.loading import load_model
from unetvgg_seg.matting import TemporalSmoother
from unetvgg_seg.toys import toy_video
from unetvgg_seg.writing import write_video

RESULTS = Path(__file__).resolve().parents[1]/'nbs/results/speed.json'
WAYS = {    # name: what `Segmenter` is asked for
    'Keras, 32 bits': dict(engine='keras', precision='f32'),
    'Keras (plain install)': dict(engine='keras'),
    'OpenVINO, bfloat16': dict(engine='openvino', precision='bf16'),
    'OpenVINO, 8 bits': dict(engine='openvino', precision='int8'),
    'fastest here ([fast])': dict(),
    'light, Keras, 32 bits': dict(model='person-light', engine='keras', precision='f32'),
    'light, Keras': dict(model='person-light', engine='keras'),
    'light, fastest here': dict(model='person-light'),
}
FEATURES = 'avx2 avx512f avx512_vnni avx_vnni avx512_bf16 amx_bf16 amx_int8 asimd bf16 i8mm'.split()


def cores():
    "How many we may use"
    return len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()


def processor():
    "What the system says of the first core, by Linux' names"
    info = Path('/proc/cpuinfo')
    lines = info.read_text().partition('\n\n')[0].splitlines() if info.exists() else []
    return {name.strip(): value.strip() for name, _, value in (line.partition(':') for line in lines)}


def features():
    "What the processor has, of what matters here"
    said = processor()
    flags = (said.get('flags') or said.get('Features') or '').split()
    return [name for name in FEATURES if name in flags]


def machine():
    "The processor and the versions, without any names of files"
    versions = {}
    for name in ('unetvgg_seg', 'tensorflow', 'keras', 'openvino', 'opencv-python', 'numpy'):
        with suppress(PackageNotFoundError): versions[name] = version(name)
    return dict(processor=processor().get('model name') or platform.processor() or platform.machine(), cores=cores(),
                features=features(), system=platform.system(), python=platform.python_version(),
                versions=versions, load=round(os.getloadavg()[0], 1) if hasattr(os, 'getloadavg') else None)


def seconds(f, *args, **kwargs):
    start = time.perf_counter()
    f(*args, **kwargs)
    return time.perf_counter() - start


def core_seconds(f, *args):
    "What a call takes of a core, the programs that it starts included"
    def used(): return sum(getattr(resource.getrusage(who), kind) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
                           for kind in ('ru_utime', 'ru_stime'))
    start = used()
    f(*args)
    return used() - start


# The original's way: every picture squashed to 256x256, one `predict` in 32 bits for each, files between all steps.

def original_mask(model, picture):
    small = cv2.resize(picture, (256, 256)).astype(np.float32) / 255
    return model.predict(small[None], verbose=0)[0, ..., 0]


def original_clip(model, clip, folder):
    "Frames to JPEG, masks to JPEG, collages of 256x768, mp4 at 30 frames a second, gif"
    for name in ('frames', 'masks', 'collages'): (folder/name).mkdir(parents=True)
    capture, n = cv2.VideoCapture(str(clip)), 0
    while (read := capture.read())[0]:
        cv2.imwrite(str(folder/f'frames/{n}.jpg'), read[1])
        n += 1
    for i in range(n):
        picture = np.array(Image.open(folder/f'frames/{i}.jpg'))
        mask = original_mask(model, picture)
        Image.fromarray((mask * 255).astype(np.uint8)).save(folder/f'masks/{i}.jpg')
    collages = []
    for i in range(n):
        picture = np.array(Image.open(folder/f'frames/{i}.jpg').resize((256, 256)))
        mask = np.array(Image.open(folder/f'masks/{i}.jpg').convert('RGB'))
        white = np.where(mask > 127, picture, 255).astype(np.uint8)
        collages.append(np.vstack([picture, mask, white]))
        Image.fromarray(collages[-1]).save(folder/f'collages/{i}.jpg')
    film = cv2.VideoWriter(str(folder/'film.mp4'), cv2.VideoWriter_fourcc(*'mp4v'), 30, (256, 768))
    for collage in collages: film.write(collage[..., ::-1])
    film.release()
    imageio.mimsave(folder/'film.gif', collages, duration=40, loop=0)
    return n


# The package's way

def segmenters():
    "Those that can be made here, by their names; and why others cannot"
    plain = dict(refine=False) if 'refine' in signature(Segmenter).parameters else {}
    made, missing = {}, {}
    for name, how in WAYS.items():
        try:
            segmenter = Segmenter(**how, **plain)
            segmenter.predict(np.zeros((64, 64, 3), np.uint8))
            made[name] = segmenter
        except Exception as e: missing[name] = str(e).strip().splitlines()[0]
    if plain: made['fastest here, second look'] = Segmenter()
    return made, missing


def time_pictures(clip, model, made, rounds):
    "Milliseconds a picture: one after the other in each round, the best of all rounds"
    frame = next(read_video(clip))
    pictures = dict(square=cv2.resize(frame[:, :frame.shape[0]], (256, 256), interpolation=cv2.INTER_AREA), wide=frame)
    ways = {'original': lambda picture: original_mask(model, picture), **{name: s.predict for name, s in made.items()}}
    times = {name: {} for name in ways}
    for kind, picture in pictures.items():
        for way in ways.values(): way(picture)                              # whatever is made at the first call
        found = {name: [] for name in ways}
        for _ in range(rounds):
            for name, way in ways.items(): found[name].append(seconds(way, picture))
        for name in ways: times[name][kind] = round(1000 * min(found[name]), 1)
    return times


def time_clips(clip, model, made, folder, rounds):
    "Seconds for the whole clip: the original's way, and each engine to an mp4 on white with sound"
    info = video_info(clip)
    times = {'original': dict(seconds=round(seconds(original_clip, model, clip, folder/'original'), 2))}
    for name, segmenter in made.items():
        if 'second look' in name: continue
        segment_video(clip, folder/'warm.mp4', segmenter, 'white', seconds=1, overwrite=True, progress=False)
        found = [seconds(segment_video, clip, folder/'film.mp4', segmenter, 'white', overwrite=True, progress=False)
                 for _ in range(rounds)]
        times[name] = dict(seconds=round(min(found), 2), fps=round(info.frames / min(found), 1))
    return times


@contextmanager
def one_core():
    "Inside, we and the programs that we start have one core, where the system can say so"
    cores = os.sched_getaffinity(0) if hasattr(os, 'sched_getaffinity') else None
    if cores: os.sched_setaffinity(0, {min(cores)})
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try: yield
    finally:
        cv2.setNumThreads(threads)
        if cores: os.sched_setaffinity(0, cores)


def without_network(segmenter):
    "The same, but for the network, which says that somebody is in the middle: edges as soft as its own, and more of them"
    y, x = np.mgrid[-1:1:64j, -1:1:64j]
    blob = cv2.GaussianBlur((np.hypot(x * 2.5, y) < .8).astype(np.float32), (0, 0), .3)
    def run(batch): return np.stack([cv2.resize(blob, batch.shape[2:0:-1])[..., None].clip(0, 1)] * len(batch))
    segmenter.engine = replace(segmenter.engine, run=run)
    return segmenter


def time_stages(clip, folder, n):
    "Milliseconds of a core for a frame, for all that surrounds the network; the best of `n` runs"
    info, segmenter = video_info(clip), without_network(Segmenter(engine='keras'))
    frames = list(read_video(clip))
    finder = segmenter.for_film() if hasattr(segmenter, 'for_film') else segmenter
    masks = [mask for at in range(0, len(frames), 8) for mask in finder.predict(frames[at:at + 8])]
    white = [make_effect('white')(*pair) for pair in zip(frames, masks)]

    def best(f, *args): return round(1000 * min(core_seconds(f, *args) for _ in range(n)) / len(frames), 1)
    def read(): return sum(1 for _ in read_video(clip, info=info))
    def see(): return [finder.predict(frames[at:at + 8]) for at in range(0, len(frames), 8)]
    def hold():
        smoother = TemporalSmoother()
        for frame, mask in zip(frames, masks): smoother(frame, mask)
    def compose(name):
        effect = make_effect(name)
        for frame, mask in zip(frames, masks): effect(frame, mask)
    def write():
        with write_video(folder/'stage.mp4', info.fps, overwrite=True) as out:
            for picture in white: out(picture)

    with one_core():
        stages = {'read': best(read), 'shrink, enlarge the mask': best(see), 'hold the masks steady': best(hold),
                  'compose: white': best(compose, 'white'), 'write mp4': best(write)}
        stages['all five'] = round(sum(stages.values()), 1)
        for name in ('blur', 'transparent', 'collage'): stages[f'compose: {name}'] = best(compose, name)
    return stages


class Middle:
    "Stands in for a network: somebody is in the middle of every frame"
    batch_size = 8

    def predict(self, frames):
        height, width = frames[0].shape[:2]
        mask = np.zeros((height, width), np.float32)
        mask[height // 4:-height // 4, width // 3:-width // 3] = 1
        return [mask] * len(frames)


def film_peak(clip, target):
    "MB that this process has taken at most, once it has made a film"
    segment_video(clip, target, Middle(), 'white', progress=False, overwrite=True)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def peak_memory(folder, counts):
    "For films of so many frames of 1280x720, each made in a process of its own, without a network"
    peaks = {}
    for n in counts:
        clip = toy_video(folder/f'{n}.mp4', seconds=n / 25, size=(720, 1280), seed=5)
        with get_context('spawn').Pool(1) as pool: peaks[n] = pool.apply(film_peak, (clip, folder/'peak.mp4'))
    return peaks


def show(title, head, rows):
    print(f'\n{title}\n' + ' '.join([f'{"":28}', *(f'{h:>14}' for h in head)]))
    for name, *cells in rows: print(' '.join([f'{name:28}', *(f'{cell:>14}' for cell in cells)]), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--clip', type=Path, help='a video; else a drawn one, 90 frames of 1280x720')
    parser.add_argument('--quick', action='store_true', help='15 frames, everything once')
    parser.add_argument('--memory', action='store_true', help='the peak of memory for 100 and 3,000 frames as well: minutes more')
    parser.add_argument('--json', type=Path, default=RESULTS, help='file to write')
    args = parser.parse_args()
    warnings.simplefilter('ignore')
    about = machine()
    with tempfile.TemporaryDirectory() as temp:
        folder = Path(temp)
        clip = args.clip or toy_video(folder/'toy.mp4', seconds=.6 if args.quick else 3.6, size=(720, 1280), seed=5)
        info = video_info(clip)
        model, (made, missing) = in_float32(load_model()), segmenters()
        for name, why in missing.items(): print(f'left out: {name}: {why}')
        stages = time_stages(clip, folder, 1 if args.quick else 3)
        show('of one core, ms a frame', ['ms'], [(name, ms) for name, ms in stages.items()])
        pictures = time_pictures(clip, model, made, 2 if args.quick else 6)
        base = pictures['original']
        show('one picture, ms', ['256x256', 'faster', '16:9', 'faster'],
             [(name, t['square'], f'{base["square"] / t["square"]:.1f}x', t['wide'], f'{base["wide"] / t["wide"]:.1f}x')
              for name, t in pictures.items()])
        clips = time_clips(clip, model, made, folder, 1 if args.quick else 2)
        base = clips['original']['seconds']
        show('whole clip, s', ['s', 'faster', 'frames/s'],
             [(name, t['seconds'], f'{base / t["seconds"]:.1f}x', t.get('fps', '')) for name, t in clips.items()])
        result = dict(machine=about, clip=dict(frames=info.frames, size=info.size, drawn=args.clip is None), missing=missing,
                      engines={name: s.engine.name for name, s in made.items()}, pictures=pictures, clips=clips, stages=stages)
        if args.memory: result['memory'] = peak_memory(folder, (100, 3000))
        if args.memory: show('peak of memory, MB', ['MB'], [(f'{n} frames', mb) for n, mb in result['memory'].items()])
    args.json.write_text(json.dumps(result, indent=1) + '\n')


if __name__ == '__main__': main()
