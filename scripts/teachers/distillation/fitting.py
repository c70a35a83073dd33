"""The training loop of all networks: warm-up, one cosine, and an average of the weights."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from distillation.networks.base import FaceNetwork
from emorec.errors import EmorecError

WARM_UP = 0.04
"""Share of the training in which the learning rate rises."""

_SMALLEST_FACTOR = 1e-3
_CHECK_EVERY = 50
_REPORTS = 8


@dataclass(frozen=True)
class Optimization:
    """How a network is optimised.

    Attributes:
        method: "sgd" (Nesterov momentum 0.9) or "adamw".
        learning_rate: Its maximum, after the warm-up.
        weight_decay: Of matrices and kernels alone.
        ema_decay: Decay per step of the moving average of the weights.
        clip_norm: Largest norm of the gradient; None for no limit.
    """

    method: str
    learning_rate: float
    weight_decay: float
    ema_decay: float
    clip_norm: float | None = None


@dataclass(frozen=True)
class Budget:
    """The length of a training: a number of steps, or of seconds if given.

    The shipped probabilities come from a run by seconds; by steps a run can be repeated.
    """

    steps: int
    seconds: float | None = None

    def progress(self, step: int, elapsed: float) -> float:
        """Return the share that is done; 1 or more at the end."""
        return step / self.steps if self.seconds is None else elapsed / self.seconds


class WeightAverage:
    """Exponential moving average of a network's weights and of its norms' statistics."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        state = network.state_dict().values()
        self._decay = decay
        self._live = [value.detach() for value in state if value.is_floating_point()]
        self._mean = [value.clone() for value in self._live]
        self._steps = 0

    @torch.no_grad()
    def update(self) -> None:
        """Take the current weights into the average, which forgets faster in the first steps."""
        self._steps += 1
        decay = min(self._decay, (1 + self._steps) / (10 + self._steps))
        torch._foreach_lerp_(self._mean, self._live, 1 - decay)

    @torch.no_grad()
    def copy_to_network(self) -> None:
        """Replace the network's weights by the average."""
        torch._foreach_copy_(self._live, self._mean)


def learning_rate_factor(progress: float) -> float:
    """Return the factor of the learning rate for a share of the training, 0 to 1."""
    if progress < WARM_UP:
        return max(progress / WARM_UP, _SMALLEST_FACTOR)
    angle = math.pi * (progress - WARM_UP) / (1 - WARM_UP)
    return max((1 + math.cos(angle)) / 2, _SMALLEST_FACTOR)


def fit(
    name: str,
    network: FaceNetwork,
    batch_loss: Callable[[], Tensor],
    optimization: Optimization,
    budget: Budget,
    report: Callable[[str], None] = print,
) -> int:
    """Train a network; at the end its weights are their moving average.

    Args:
        name: Name of the network, for messages.
        network: The network, on the training device.
        batch_loss: Draws a batch and returns its loss.
        optimization: How to optimise.
        budget: How long to train.
        report: Receives a line now and then.

    Returns:
        Number of steps.

    Raises:
        EmorecError: The loss is not finite.
    """
    optimizer = _optimizer(network, optimization)
    average = WeightAverage(network, optimization.ema_decay)
    network.train()
    started = time.perf_counter()
    step = reports = 0
    while (progress := budget.progress(step, time.perf_counter() - started)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = optimization.learning_rate * learning_rate_factor(progress)
        loss = batch_loss()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if optimization.clip_norm:
            nn.utils.clip_grad_norm_(network.parameters(), optimization.clip_norm)
        optimizer.step()
        average.update()
        step += 1
        # Reading the loss waits for the device.
        if step % _CHECK_EVERY == 0:
            value = float(loss.detach())
            if not math.isfinite(value):
                raise EmorecError(f"{name}: the loss is {value} at step {step}; lower the rate")
            if progress * _REPORTS >= reports + 1:
                reports = int(progress * _REPORTS)
                elapsed = time.perf_counter() - started
                report(f"{name}: {elapsed:.0f} s, step {step}, loss {value:.4f}")
    average.copy_to_network()
    network.eval()
    report(f"{name}: {step} steps in {time.perf_counter() - started:.0f} s")
    return step


def _optimizer(network: nn.Module, how: Optimization) -> torch.optim.Optimizer:
    parameters = list(network.parameters())
    groups = [
        {"params": [p for p in parameters if p.dim() > 1], "weight_decay": how.weight_decay},
        {"params": [p for p in parameters if p.dim() <= 1], "weight_decay": 0.0},
    ]
    fused = parameters[0].is_cuda
    if how.method == "sgd":
        rate = how.learning_rate
        return torch.optim.SGD(groups, rate, momentum=0.9, nesterov=True, fused=fused)
    return torch.optim.AdamW(groups, how.learning_rate, fused=fused)
