# SPDX-License-Identifier: MIT
"""One seed: its layers, its operations, how often it looks, and what a failing history shrinks to."""
import os
import pprint
import shutil
import time

from model import generate
from model.lockstep import Difference, Pair, build_layers

BATCH = 25  # operations an actor does before the next comparison, where actors run at the same time


class Plan:
    """What a seed means. `mode`: "watch" compares after every step, "blind" looks only now and then (so that
    nothing is in a cache because the test looked), "parallel" lets three processes work at the same time, each
    in a directory of its own."""

    def __init__(self, seed, steps, lowers=None):
        self.chance = generate.plan(seed)
        self.seed, self.steps = seed, steps
        self.lowers = lowers or self.chance.choice([1, 1, 2, 3, 5])
        self.mode = self.chance.choices(["watch", "blind", "parallel"], [5, 4, 2])[0]
        self.look_every = self.chance.choice([25, 60, 150])
        self.remount_every = self.chance.choice([40, 120, 10**9])
        spec = build_layers(self.chance, self.lowers, generate.random_layers)
        self.spec = with_homes(spec) if self.mode == "parallel" else spec


def with_homes(spec, users=3):
    """The same layers once for each user, each in a directory of its own."""
    homes = ["home%d" % user for user in range(users)]
    spec = [{os.path.join(home, path): _moved(node, home) for home in homes for path, node in layer.items()}
            for layer in spec]
    for layer in spec:
        for home in homes:
            layer.setdefault(home, generate.directory(0o777))
    return spec


def _moved(node, home):
    if node.kind == "hard":
        return generate.hard(os.path.join(home, node.target))
    # No way out of one's home: what the others do there comes at any time.
    return generate.symlink("a") if node.kind == "symlink" and ".." in node.target else node


class Failure:
    def __init__(self, plan, steps, text):
        self.plan, self.steps, self.text = plan, steps, text
        self.spec = plan.spec


def run_seed(plan, folder, engine, options=()):
    """Runs a seed. Returns (number of operations done, Failure or None)."""
    pair = Pair(folder, plan.spec, engine, options)
    done = []
    try:
        (_parallel if plan.mode == "parallel" else _sequential)(plan, pair, done)
        pair.compare_trees()
        pair.remount()
        pair.compare_trees()
        return len(done), None
    except (Difference, EOFError, OSError) as error:
        text = "%s%s" % ("" if isinstance(error, Difference) else type(error).__name__ + ": ", error)
        if pair.union.complaints():
            text += "\n  blendfs printed: " + pair.union.complaints()
        return len(done), Failure(plan, done, text)
    finally:
        pair.tear_down()
        shutil.rmtree(folder, ignore_errors=True)


def _sequential(plan, pair, done):
    generator = generate.Generator(plan.chance, pair.plain.root)
    for step in range(1, plan.steps + 1):
        actor, operation = generator.next()
        watch_times = plan.mode == "watch" and plan.chance.random() < 0.05
        done.append((actor, operation))
        _step(pair, plan.mode, actor, operation, watch_times)
        if step % plan.look_every == 0:
            done.append(("look",))
            pair.compare_trees()
        if step % plan.remount_every == 0:
            done.append(("remount",))
            pair.remount()


def _step(pair, mode, actor, operation, watch_times=False):
    if watch_times:
        pair.run_and_watch_change_times(actor, operation)
    else:
        pair.run([(actor, [operation])])
    if mode == "watch":
        pair.compare_witnesses(operation)


def _parallel(plan, pair, done):
    generators = [generate.Generator(plan.chance, pair.plain.root, "home%d" % user) for user in range(3)]
    for _ in range(max(1, plan.steps // (3 * BATCH))):
        batch = [(user, [generator.next()[1] for _ in range(BATCH)]) for user, generator in enumerate(generators)]
        done += [(user, operation) for user, operations in batch for operation in operations]
        pair.run(batch)
        done.append(("look",))
        pair.compare_trees()
        if plan.chance.random() < 0.2:
            done.append(("remount",))
            pair.remount()


def replay(spec, steps, mode, folder, engine, options=()):
    """Runs given steps; the text of the difference, or None."""
    pair = Pair(folder, spec, engine, options)
    try:
        for step in steps:
            if step[0] == "look":
                pair.compare_trees()
            elif step[0] == "remount":
                pair.remount()
            else:
                _step(pair, mode, *step)
        pair.compare_trees()
        pair.remount()
        pair.compare_trees()
        return None
    except (Difference, EOFError, OSError) as error:
        return str(error)
    finally:
        pair.tear_down()
        shutil.rmtree(folder, ignore_errors=True)


def shrink(failure, folder, engine, options=(), limit_s=60):
    """Makes the history and the layers of a failure as small as `limit_s` allows (delta debugging)."""
    end = time.monotonic() + limit_s
    mode = "watch" if failure.plan.mode == "watch" else "blind"
    count = 0

    def fails(spec, steps):
        nonlocal count
        count += 1
        if time.monotonic() > end:
            return False
        text = replay(spec, steps, mode, os.path.join(folder, "shrink%d" % count), engine, options)
        if text:
            failure.text = text
        return bool(text)

    if not fails(failure.spec, failure.steps):
        failure.text += "\n  (the same steps one after the other do not show it)"
        return
    failure.steps = minimal(failure.steps, lambda steps: fails(failure.spec, steps))
    for index in range(len(failure.spec)):
        def with_layer(items, index=index):
            return failure.spec[:index] + [dict(items)] + failure.spec[index + 1:]
        items = minimal(list(failure.spec[index].items()), lambda items: _sound(with_layer(items)) and
                        fails(with_layer(items), failure.steps))
        failure.spec = with_layer(items)
    failure.steps = minimal(failure.steps, lambda steps: fails(failure.spec, steps))


def _sound(spec):
    """Hard links need their first name in the same layer."""
    return all(node.kind != "hard" or node.target in layer for layer in spec for node in layer.values())


def minimal(items, fails):
    """The smallest part of a list that still fails, found by leaving out ever smaller pieces."""
    size = max(1, len(items) // 2)
    while size:
        start = 0
        while start < len(items):
            shorter = items[:start] + items[start + size:]
            if fails(shorter):
                items = shorter
            else:
                start += size
        size //= 2
    return items


def script(failure):
    """The failure as text that parity.py --replay takes."""
    return "# seed %d, mode %s\nspec = %s\nsteps = %s\n" % (
        failure.plan.seed, failure.plan.mode, pprint.pformat(failure.spec, width=118),
        pprint.pformat(failure.steps, width=118))
