#!/usr/bin/env python3
"""A folder as it looks over a network: each question to the drive takes a time, there and back. Linux.

    pip install mfusepy && apt install fuse3
    python benchmarks/far_drive.py photos far --ms 1      # until Ctrl-C, `far` shows what `photos` has

Looking a name up, opening, and reading up to 128 KB at once are a question each; answers to the first are remembered for three
seconds, as network drives do. Reading only.
"""
import argparse
import os
import time

import mfusepy

STATUS = 'st_mode', 'st_nlink', 'st_size', 'st_uid', 'st_gid', 'st_ino'


class FarDrive(mfusepy.Operations):
    "The files of a folder, each question answered late"
    use_ns = True

    def __init__(self, folder, seconds): self.folder, self.seconds = os.path.abspath(folder), seconds

    def _asked(self, path):
        time.sleep(self.seconds)
        return self.folder + path

    def getattr(self, path, fh=None):
        try: status = os.lstat(self._asked(path))
        except OSError as e: raise mfusepy.FuseOSError(e.errno) from None
        times = {f'st_{kind}time': getattr(status, f'st_{kind}time_ns') for kind in 'amc'}
        return {name: getattr(status, name) for name in STATUS} | times

    def readdir(self, path, fh): return ['.', '..', *os.listdir(self._asked(path))]

    def open(self, path, flags): return os.open(self._asked(path), os.O_RDONLY)

    def read(self, path, size, offset, fh):
        self._asked(path)
        return os.pread(fh, size, offset)

    def release(self, path, fh): os.close(fh)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('folder')
    parser.add_argument('mount', help='an empty folder')
    parser.add_argument('--ms', type=float, default=1, help='milliseconds for each question')
    args = parser.parse_args()
    mfusepy.FUSE(FarDrive(args.folder, args.ms / 1000), args.mount, foreground=True, ro=True, attr_timeout=3, entry_timeout=3,
                 negative_timeout=3)


if __name__ == '__main__': main()
