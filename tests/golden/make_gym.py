#!/usr/bin/env python3
"""Writes gym.lua: whole episodes of Gymnasium's environments, from a start state, with the actions and numbers drawn.

usage: make_gym.py > gym.lua
States, observations and actions of a Discrete space count from 1. Of long episodes every tenth step is kept.
"""
import gymnasium as gym
import numpy as np

EVERY = 10

class Draws:
    """Stands before an environment's generator and keeps what it drew."""
    def __init__(self, source): self.source, self.seen = source, []
    def random(self): self.seen.append(float(self.source.random())); return self.seen[-1]
    def __getattr__(self, name): return getattr(self.source, name)

def number(x): return "%.9g" % x
def numbers(xs, f=number): return "{ " + ", ".join(f(x) for x in xs) + " }"
def plain(x): return int(x) + 1 if np.ndim(x) == 0 else [float(v) for v in x]
def text(x): return str(x) if isinstance(x, int) else numbers(x)

def episode(label, env, state_of, choose, seed):
    """Runs one episode and prints it as a row."""
    first, _ = env.reset(seed=seed)
    world, rng = env.unwrapped, np.random.default_rng(seed)
    start = state_of(world, first)
    draws = world._np_random = Draws(world.np_random)
    actions, kept, total, step, over, seen = [], [], 0.0, 0, False, first
    while not over:
        action = choose(seen, rng)
        seen, reward, terminated, truncated, _ = env.step(action)
        actions.append(plain(action)); total += float(reward); step += 1
        over = terminated or truncated or step == 300
        if step % EVERY == 0 or over: kept.append((step, plain(seen), float(reward)))
    print("  { name = '%s', start = { %s }," % (label, ", ".join("%s = %.17g" % kv for kv in start.items())))
    print("    actions = { %s }," % ", ".join(text(a) for a in actions))
    if "slippery" in label: print("    draws = %s," % numbers(draws.seen))
    print("    steps = { %s }," % ", ".join("{ %d, %s, %s }" % (k, text(o), number(r)) for k, o, r in kept))
    print("    total = %.12g, terminated = %s, truncated = %s },"
          % (total, str(bool(terminated)).lower(), str(bool(truncated)).lower()))

def named(*names): return lambda world, _: dict(zip(names, (float(x) for x in world.state)))
def place(world, first): return {"at": int(first) + 1}
def taxi(world, first): return dict(zip(("row", "column", "passenger", "goal"), (int(x) for x in world.decode(int(first)))))
def uniform(n): return lambda seen, rng: int(rng.integers(n))
def torque(seen, rng): return rng.uniform(-2, 2, 1).astype(np.float32)

def balance(seen, rng): return int(seen[2] + 0.5 * seen[3] + 0.1 * seen[0] + 0.2 * seen[1] > 0)
def swing(seen, rng): return 2 if seen[1] >= 0 else 0
def pump(seen, rng): return 2 if seen[4] <= 0 else 0
def up(seen, rng):
    return np.array([np.clip(2 * np.sign(seen[2]) if seen[0] < 0.8 else -10 * seen[1] - 3 * seen[2], -2, 2)], dtype=np.float32)

def given(text): # actions, one digit each
    actions = iter(text)
    return lambda seen, rng: int(next(actions))

print("-- written by make_gym.py with Gymnasium %s\nreturn {" % gym.__version__)
for seed in (1, 2): episode("CartPole-v1", gym.make("CartPole-v1"), named("x", "v", "angle", "spin"), uniform(2), seed)
episode("CartPole-v1", gym.make("CartPole-v1"), named("x", "v", "angle", "spin"), balance, 3)
for choose in (uniform(3), swing): episode("MountainCar-v0", gym.make("MountainCar-v0"), named("x", "v"), choose, 4)
for choose in (uniform(3), pump): episode("Acrobot-v1", gym.make("Acrobot-v1"), named("a1", "a2", "v1", "v2"), choose, 5)
for choose in (torque, up): episode("Pendulum-v1", gym.make("Pendulum-v1"), named("angle", "speed"), choose, 6)
for seed in (1, 2, 3):
    episode("FrozenLake-v1 slippery", gym.make("FrozenLake-v1"), place, uniform(4), seed)
    episode("FrozenLake8x8-v1 slippery", gym.make("FrozenLake8x8-v1"), place, uniform(4), seed)
    episode("FrozenLake8x8-v1 dry", gym.make("FrozenLake8x8-v1", is_slippery=False), place, uniform(4), seed)
    episode("Taxi-v4", gym.make("Taxi-v4"), taxi, uniform(6), seed)
episode("CliffWalking-v1 dry", gym.make("CliffWalking-v1"), place, uniform(4), 1)
episode("CliffWalking-v1 dry", gym.make("CliffWalking-v1"), place, given("10" + "1" * 11 + "2"), 1)
episode("CliffWalking-v1 slippery", gym.make("CliffWalking-v1", is_slippery=True), place, uniform(4), 2)
episode("FrozenLake8x8-v1 dry", gym.make("FrozenLake8x8-v1", is_slippery=False), place, given("22222221111111"), 1)
episode("Taxi-v4", gym.make("Taxi-v4"), taxi, given("4200411533" + "3115"), 1)
print("}")
