"""A plan with memory of its own, ready to run, for one set of inputs or for a batch of them."""

from __future__ import annotations

import numpy as np

from .plan import Plan
from .views import Action


class Machine:
    """
    Runs a plan.

    Parameters
    ----------
    plan : Plan
        What to run.
    batch : tuple of int
        Lengths of the axes in front: () for one set of inputs, (n,) for n of them.

    Attributes
    ----------
    memory, cotangents : ndarray
        All numbers, and the derivatives of the last root by them; the places are along the last axis.
    """

    def __init__(self, plan: Plan, batch: tuple[int, ...] = ()) -> None:
        self.plan = plan
        self.memory = np.zeros((*batch, plan.size))
        self.cotangents = np.zeros((*batch, plan.size if plan.roots else 0))
        start = len(plan.inputs)
        self.memory[..., start : start + plan.constants.size] = plan.constants
        forward: list[list[Action]] = [[] for _ in range(len(plan.roots) + 1)]
        backward: list[list[list[Action]]] = [[] for _ in plan.roots]
        for phase, instruction in plan.instructions:
            compute, hand_back = instruction.bind(self.memory, self.cotangents)
            forward[phase] += compute
            for sweep, actions in zip(backward, hand_back, strict=True):
                sweep.append(actions)
        self.actions = forward[0]
        for phase, root in enumerate(plan.roots):
            self.actions += [self._seed(root)]
            self.actions += [action for actions in reversed(backward[phase]) for action in actions]
            self.actions += forward[phase + 1]

    def run(self) -> None:
        """Compute everything from the inputs, which are the first numbers of the memory."""
        with np.errstate(all="ignore"):
            for action in self.actions:
                action()

    def _seed(self, root: int) -> Action:
        cotangents = self.cotangents

        def seed() -> None:
            cotangents.fill(0.0)
            cotangents[..., root] = 1.0

        return seed
