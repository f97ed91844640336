"""What a stage with `isolation` runs in: `python -m textmill.worker`. Nobody starts it by hand.

It speaks with the process that started it, and ends when that does.
"""

from textmill import _native

if __name__ == "__main__":
    _native.work()
