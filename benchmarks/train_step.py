#!/usr/bin/env python3
"""One training step of the VGG16 U-Net: ours, the original's, and that of segmentation_models.pytorch, in turns.

    pip install torch segmentation_models_pytorch
    python benchmarks/train_step.py nbs/results/train_step.json --batch 4 --size 128 --rounds 7

All of them learn from the same random pictures, with Adam. Ours as `train` does it: batch statistics, cross-entropy and the
Jaccard loss; the original's as its notebook did: float32, no preprocessing, the Jaccard loss alone. Ratios are medians of the
rounds', to the original's step: of the time by the clock, and of the processor's time, all cores together, which hardly minds
what else the machine does. What isn't installed is left out. On a busy machine set OMP_WAIT_POLICY=passive, so that PyTorch
doesn't spend the processor's time on waiting.
"""
import argparse
import json
import time
from pathlib import Path

import keras
import numpy as np
from speed import features

from unetvgg_seg.devices import has_bfloat16
from unetvgg_seg.metrics import CombinedLoss, jaccard_loss
from unetvgg_seg.model import vgg16_unet


def of_keras(loss, size, **how):
    "A step of our network, or of the original's"
    network = vgg16_unet((size, size, 3), None, **how)
    network.compile(keras.optimizers.Adam(1e-4), loss, jit_compile=False)
    return network.train_on_batch


def of_torch(norm, autocast):
    "A step of segmentation_models.pytorch's U-Net on VGG16, with or without batch normalization in the encoder"
    import segmentation_models_pytorch as smp
    import torch
    network = smp.Unet('vgg16_bn' if norm else 'vgg16', encoder_weights=None, decoder_channels=(512, 256, 128, 64, 64)).train()
    network = network.to(memory_format=torch.channels_last)
    optimizer, jaccard = torch.optim.Adam(network.parameters(), 1e-4), smp.losses.JaccardLoss('binary')

    def step(images, masks):
        images, masks = (torch.from_numpy(a).permute(0, 3, 1, 2) for a in (images, masks))
        with torch.autocast('cpu', torch.bfloat16, enabled=autocast): answer = network(images)
        loss = jaccard(answer.float(), masks) + torch.nn.functional.binary_cross_entropy_with_logits(answer.float(), masks)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return step


def all_steps(size):
    "Every step that this machine can do, by its name"
    yield "the original's", of_keras(jaccard_loss, size, preprocessing=None)
    yield 'ours, float32', of_keras(CombinedLoss(), size)
    if has_bfloat16(): yield 'ours, mixed_bfloat16', of_keras(CombinedLoss(), size, policy='mixed_bfloat16')
    try:
        for norm in (False, True):
            name = f'segmentation_models.pytorch, VGG16{" with batch normalization" * norm}'
            yield f'{name}, float32', of_torch(norm, autocast=False)
            if has_bfloat16(): yield f'{name}, bfloat16', of_torch(norm, autocast=True)
    except ImportError as e: print(e)


def measure(steps, batch, size, rounds):
    "Seconds of each step in each round, by the clock and of the processor; the first two rounds compile"
    rng = np.random.default_rng(0)
    images, masks = rng.random((batch, size, size, 3), np.float32), (rng.random((batch, size, size, 1)) > .5).astype(np.float32)
    seconds = {name: [] for name in steps}
    for _ in range(rounds + 2):
        for name, step in steps.items():
            start = np.array([time.perf_counter(), time.process_time()])
            step(images, masks)
            seconds[name].append([time.perf_counter(), time.process_time()] - start)
    return {name: np.array(times[2:]) for name, times in seconds.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('out', type=Path)
    parser.add_argument('--batch', type=int, default=4)
    parser.add_argument('--size', type=int, default=128)
    parser.add_argument('--rounds', type=int, default=7)
    a = parser.parse_args()
    seconds, rows = measure(dict(all_steps(a.size)), a.batch, a.size, a.rounds), {}
    for name, times in seconds.items():
        clock, processor = np.median(times, 0)
        ratio, processor_ratio = np.median(seconds["the original's"] / times, 0)
        rows[name] = dict(seconds=round(clock, 3), ratio=round(ratio, 2), processor_seconds=round(processor, 3),
                          processor_ratio=round(processor_ratio, 2))
        print(f'{name:62} {clock:7.3f} s {ratio:5.2f} times, processor {processor:7.3f} s {processor_ratio:5.2f} times')
    about = dict(batch=a.batch, size=a.size, rounds=a.rounds, features=features(), keras=keras.version())
    a.out.write_text(json.dumps(about | dict(steps=rows), indent=1) + '\n')


if __name__ == '__main__': main()
