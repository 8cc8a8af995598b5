"""A disk that is full, and room again: a small tmpfs, else a limit on the size of files."""

import os
import resource
import subprocess

PLENTY = 4 << 30
PAGE = 4096


class Tmpfs:
    """A file system of its own, which is made as small as what it holds.

    Parameters
    ----------
    folder : Path
        Becomes the mount point.
    """

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True)
        options = ["-t", "tmpfs", "-o", f"size={PLENTY}", "tmpfs", str(folder)]
        self.mounted = subprocess.run(["mount", *options], capture_output=True).returncode == 0

    def _resize(self, size):
        options = ["-o", f"remount,size={size}", str(self.folder)]
        subprocess.run(["mount", *options], check=True, capture_output=True)

    def fill(self):
        """Leave no room; a writer may need a page between our question and its answer."""
        for _ in range(50):
            stat = os.statvfs(self.folder)
            try:
                self._resize((stat.f_blocks - stat.f_bfree) * stat.f_frsize + PAGE)
                return
            except subprocess.CalledProcessError:
                continue

    def free(self):
        self._resize(PLENTY)

    def close(self):
        if self.mounted:
            subprocess.run(["umount", "-l", str(self.folder)], check=True)
            self.mounted = False


def limit_files(pids, full):
    """Let processes write no file beyond one byte, or all that they like again."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for pid in pids:
        try:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (1 if full else hard, hard))
        except ProcessLookupError:  # killed by another fault
            continue
