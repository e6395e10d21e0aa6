"""What `train_best.py` and `ablations.py` share: the pictures they train on, their options, and how they score.

DATA is laid out like the project's shared sets: `coco_person`, `coco_person_partial`, `people_more`, `clothing_parsing`, and
VGG16's weights.
"""
import argparse
from pathlib import Path

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
    import keras

    from unetvgg_seg.model import vgg16_unet
    trained = keras.models.load_model(file)
    if trained.input_shape[1] == size: return file
    network = vgg16_unet((size, size, 3), None)
    network.set_weights(trained.get_weights())
    return network


def score(model, data, size):
    "On all pictures of `coco_person/val`, at their own size"
    from unetvgg_seg import Segmenter, evaluate
    coco = data/'coco_person'
    segmenter = Segmenter(at_size(model, size), batch_size=33, refine=False)      # six batches of one shape, looked at once
    result = evaluate(segmenter, coco/'annotations'/'instances_val.json', coco/'val', progress=False)
    return {name: result[name] for name in ('iou', 'image_iou', 'boundary_iou', 'false_positives', 'images')}


def parser_of(doc, folder, views, size):
    "Options that both have; `folder` is where the results go"
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('data', type=Path)
    parser.add_argument(folder, type=Path)
    parser.add_argument('--views', type=int, default=views)
    parser.add_argument('--size', type=int, default=size)
    parser.add_argument('--precision', default='auto')
    parser.add_argument('--workers', type=int)
    parser.add_argument('--cache', type=Path)
    return parser


def train_on(a, run, sets, **settings):
    "Train with the options of the command line; the report"
    import cv2

    from unetvgg_seg import train
    cv2.setNumThreads(1)        # the workers are threads already
    common = dict(size=a.size, precision=a.precision, workers=a.workers, cache=a.cache, verbose=2, overwrite=True)
    return train(run, **sets | common | settings)
