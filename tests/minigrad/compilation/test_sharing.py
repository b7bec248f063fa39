"""Programs keep out of each other's way: nested, in threads and tasks, for ten thousand calls."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim

from .helpers import assert_same, copied, of_parameters
from .test_compiled import BATCHES, network, training


def test_compiled_inside_compiled() -> None:
    def make(nested: bool) -> Any:
        net = network()
        opt = optim.Adam(net.parameters())
        forward = mg.compile(net) if nested else net
        loss_of = mg.compile(nn.cross_entropy) if nested else nn.cross_entropy

        def step(x: Any, y: Any) -> Any:
            opt.zero_grad()
            loss = loss_of(forward(x), y)
            loss.backward()
            opt.step()
            return loss

        step.forward = forward  # type: ignore[attr-defined]
        return step, of_parameters(net.parameters())

    runs = []
    for nested in (False, True):
        mg.manual_seed(0)
        step, state = make(nested)
        function = mg.compile(step)
        seen = []
        for k, batch in enumerate(BATCHES):
            if k % 2:
                step.forward(batch[0])
            seen.append(copied([function(*batch), state()]))
        assert function.programs
        runs.append(seen)
    assert_same(runs[1], runs[0])


def test_two_programs_of_one_network() -> None:
    def make() -> Any:
        step, state = training("adam", 0.3)
        return step, state

    runs = []
    for compiled in (False, True):
        mg.manual_seed(0)
        step, state = make()
        net = step.net
        evaluate = lambda x, net=net: net(x)  # noqa: E731
        train, test = (mg.compile(step), mg.compile(evaluate)) if compiled else (step, evaluate)
        seen = []
        for batch in BATCHES:
            net.train()
            loss = copied(train(*batch))
            net.eval()
            seen.append([loss, copied(test(batch[0])), copied(state())])
        runs.append(seen)
    assert_same(runs[1], runs[0])


def test_threads_call_one_compiled_function() -> None:
    net = network()
    compiled = mg.compile(net)
    inputs = [np.full((5, 4), k, np.float32) for k in range(8)]
    expected = [net(x).data for x in inputs]

    def work(k: int) -> bool:
        return all(np.array_equal(compiled(inputs[k]).data, expected[k]) for _ in range(200))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8)))


def test_threads_train_networks_of_their_own() -> None:
    def train(k: int, compiled: bool) -> list[Any]:
        net = nets[k]
        opt = optim.Adam(net.parameters())

        def step(x: Any, y: Any) -> Any:
            opt.zero_grad()
            loss = nn.cross_entropy(net(x), y)
            loss.backward()
            opt.step()
            return loss

        function = mg.compile(step) if compiled else step
        return [copied(function(*batch)) for batch in BATCHES * 3]

    mg.manual_seed(0)
    nets = [network() for _ in range(8)]
    states = [net.state_dict() for net in nets]
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda k: train(k, True), range(8)))
    for net, state in zip(nets, states, strict=True):
        net.load_state_dict(state)
    assert_same(got, [train(k, False) for k in range(8)])


def test_eager_work_beside_a_capture() -> None:
    """Another thread computes with the same parameters while they hold stand-ins."""
    net = network()
    x = BATCHES[0][0]
    expected = net(x).data

    def eager(_: int) -> bool:
        return all(
            type(net(x).data) is np.ndarray and np.array_equal(net(x).data, expected) for _ in range(200)
        )

    def capture(_: int) -> bool:
        return all(np.array_equal(mg.compile(net)(x).data, expected) for _ in range(100))

    with ThreadPoolExecutor(6) as pool:
        assert all([*pool.map(eager, range(3)), *pool.map(capture, range(3))])
    assert all(type(p.data) is np.ndarray for p in net.parameters())


def test_tasks() -> None:
    net = network()
    compiled = mg.compile(net)
    inputs = [np.full((5, 4), k, np.float32) for k in range(6)]
    expected = [net(x).data for x in inputs]

    async def work(k: int) -> None:
        for _ in range(10):
            assert_same(compiled(inputs[k]).data, expected[k])
            await asyncio.sleep(0)

    async def main() -> None:
        await asyncio.gather(*map(work, range(6)))

    asyncio.run(main())


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_ten_thousand_replays_leave_nothing(dropout: float) -> None:
    step, _ = training("adam", dropout)
    compiled = mg.compile(step)
    for batch in BATCHES[:5]:
        compiled(*batch)
    x, y = BATCHES[0]
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        for _ in range(100):
            compiled(x, y)
        before, objects = tracemalloc.get_traced_memory()[0], len(gc.get_objects())
        tracemalloc.reset_peak()
        for _ in range(10_000):
            compiled(x, y)
        after, peak = tracemalloc.get_traced_memory()
        assert len(gc.get_objects()) <= objects + 2
        assert after - before < 10_000
        assert peak - before < 8_000  # Python's frames and the loss: no array of a layer
    finally:
        tracemalloc.stop()
        gc.enable()
    assert gc.collect() < 50


def test_programs_go_with_their_function() -> None:
    def rounds(count: int) -> int:
        for _ in range(count):
            step, _ = training("adam")
            compiled = mg.compile(step)
            for batch in BATCHES[:5]:
                compiled(*batch)
        gc.collect()
        return len(gc.get_objects())

    first = rounds(3)
    assert rounds(5) < first + 200


def test_signatures_do_not_pile_up() -> None:
    compiled = mg.compile(lambda x: mg.tensor(x) * 2)
    for n in range(1, 200):
        for _ in range(3):
            assert compiled(np.ones(n)).shape == (n,)
    assert len(compiled.programs) <= 128
