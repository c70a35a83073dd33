"""Predictions of a network, and its accuracy on PublicTest by strength of the logit adjustment."""

import torch
from torch import Tensor

from distillation.augmentation import to_input
from distillation.networks.base import FaceNetwork
from distillation.training_data import TrainingData

STRENGTHS = (0.0, 0.2, 0.3, 0.5)
BATCH = 1024


def autocast(device: str | torch.device) -> torch.autocast:
    """Return the context that computes in bfloat16 on a GPU, and in float32 elsewhere."""
    kind = torch.device(device).type
    return torch.autocast(kind, torch.bfloat16, enabled=kind == "cuda")


@torch.no_grad()
def predict(network: FaceNetwork, images: Tensor, mirrored: bool = True) -> tuple[Tensor, Tensor]:
    """Compute the logits of both heads.

    Args:
        network: The network; it is set to inference.
        images: Shape (n, 1, 48, 48), uint8 or float, 0..255.
        mirrored: Average the logits over each image and its mirror image.

    Returns:
        Logits, float32, shapes (n, 8) and (n, 7).
    """
    network.eval()
    logits, own = [], []
    for batch in images.split(BATCH):
        inputs = to_input(batch, network)
        with autocast(inputs.device):
            one = network(inputs)
            other = network(inputs.flip(3)) if mirrored else one
        logits.append((one[0].float() + other[0].float()) / 2)
        own.append((one[1].float() + other[1].float()) / 2)
    return torch.cat(logits), torch.cat(own)


def scores(logits: Tensor, data: TrainingData) -> str:
    """Return accuracy / balanced accuracy in percent on the validation images, as one line.

    Args:
        logits: Of the validation images, shape (m, 8).
        data: Labels, and the prior of the logit adjustment.
    """
    labels = data.validation_labels
    present = torch.unique(labels).tolist()
    parts = []
    for strength in STRENGTHS:
        predicted = (logits - strength * data.prior.log()).argmax(1)
        right = (predicted == labels).float()
        recall = sum(float(right[labels == label].mean()) for label in present) / len(present)
        parts.append(f"tau {strength:g}: {100 * float(right.mean()):.2f} / {100 * recall:.1f}")
    return ", ".join(parts)
