"""A module whose import takes until a line comes in."""
import truth


def at_import():
    truth.pause()


at_import()
