#!/usr/bin/env python3
"""The ranges that a network needs for 8 bits, measured on photographs like those to come:

    python benchmarks/calibrate.py person photos unetvgg_seg/person_ranges.json

Those of the package are from the pictures of COCO that it was trained on."""
import argparse
import json

from unetvgg_seg.engines import as_openvino
from unetvgg_seg.export import calibration_batches
from unetvgg_seg.files import atomic_write
from unetvgg_seg.loading import load_model
from unetvgg_seg.quantization import answer_names, measure_ranges


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="'person', a run folder, a file")
    parser.add_argument("photos", help="folder of photographs")
    parser.add_argument("out", help="JSON to write; one that is there is replaced")
    parser.add_argument("-n", type=int, default=96, help="how many of them, from all over the folder")
    options = parser.parse_args()
    model = load_model(options.model)
    ranges = measure_ranges(as_openvino(model), calibration_batches(options.photos, n=options.n))
    rounded = [[float(f"{end:.4g}") for end in pair] for pair in ranges]
    with atomic_write(options.out, overwrite=True) as aside:
        lines = (f" {json.dumps(name)}: {json.dumps(pair)}" for name, pair in zip(answer_names(model), rounded, strict=True))
        aside.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
