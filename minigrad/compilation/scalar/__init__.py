"""
A step with Values, recorded once and replayed in batches.

The way of a function, file by file:

- :mod:`.watch` and :mod:`.number` see what Python reads of Values and computes with it;
- :mod:`.capture` runs the function once, as always, and writes a :mod:`.record` around a :mod:`.tape`;
- :mod:`.groups` puts together what is computed together, :mod:`.plan` lays it out in memory, in
  :mod:`.instructions` and :mod:`.sums` that read and write by the strides of :mod:`.views`;
- :mod:`.machine` runs a plan, for one set of inputs or for a batch; :mod:`.program` reads leaves before and
  writes them after;
- :mod:`.replay` is the function that all this makes.

What a front needs::

    capture = ScalarCapture(function)
    result = capture.run(args, kwargs)        # what the function returns; what it computed has no graph
    capture.reason                            # why it makes no program, or None
    difference(first.record, second.record)   # why two runs are no one program, or None
    program = ScalarProgram(second.record, first.record)
    program.accepts(args, kwargs)             # whether it is one for these arguments
    program.replay(args, kwargs)              # raises GuardFailed, OtherArguments before anything is written
    program.summary()

In :class:`ScalarReplay` two runs are recorded and compared, and the third is replayed. What that means:
``data`` and ``grad`` of Values made outside are read at each run and written at its end. Arguments that are
floats or leaf Values are read anew, others must be equal. What Python computes from ``v.data`` and ``v.grad``
is recorded, and a comparison of them is a guard; all other numbers are constants, the same in both
recordings. What can't be followed (``math.exp(v.data)``, ``no_grad``, what is kept outside of the function)
is a reason, and the function is left to Python.
"""

from .capture import ScalarCapture
from .program import GuardFailed, OtherArguments, ScalarProgram
from .record import difference
from .replay import ScalarReplay

__all__ = ["GuardFailed", "OtherArguments", "ScalarCapture", "ScalarProgram", "ScalarReplay", "difference"]
