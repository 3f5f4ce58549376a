"""Sleeps in a function until a line comes in; nothing here computes."""
import time

import truth


def doze():
    time.sleep(120)  # @doze


def main():
    doze()  # @main


truth.tell()
main()  # @module
