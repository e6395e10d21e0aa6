"Person segmentation: `Segmenter`, `cut_out`, `segment_video` and a few more; nothing is loaded before it is asked for."
__version__ = "0.1.0"

_HOMES = dict(Segmenter="prediction", cut_out="collage", evaluate="evaluation", load_model="loading", pretrained="weights",
              segment_video="video", train="training")


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__():
    return sorted([*globals(), *_HOMES])
