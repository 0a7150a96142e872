"""The smallest task: a plane through points. What a training needs, and nothing else."""

import hashlib

import torch
from torch import nn

from train_easyocr.engine.length import Length
from train_easyocr.engine.schedules import Schedule, depends_on_length
from train_easyocr.engine.task import Data, Task
from train_easyocr.settings.parts import TrainingSettings
from train_easyocr.weights.checkpoints import Card


class ToySettings(TrainingSettings):
    seed: int = 1
    experiment_name: str = "장난감"
    saved_models: str = "saved_models"
    workers: int = 0
    precision: str = "fp32"
    compile: str = "off"
    points: int = 48
    dropout: float = 0.1
    batch_size: int = 4
    n_iter: int = 8
    val_period: int = 3
    save_period: int = 5
    early_stopping: int = 0
    accumulation: int = 1
    lr: float = 0.02
    lr_scheduler: str = "one_cycle"
    grad_clip: float = 5.0
    ema: float = 0.0


class ToyTask(Task):
    unit = "points"
    length = Length(passes=2, fewest=4, most=100, unit="points")

    def open(self, state):
        random = torch.Generator().manual_seed(5)
        self.inputs = torch.randn(self.config.points, 3, generator=random)
        self.targets = self.inputs @ torch.tensor([[1.0], [-2.0], [0.5]])
        digest = hashlib.sha256(self.inputs.numpy().tobytes()).hexdigest()
        return Data(samples=len(self.inputs), sums=[digest], names=["the points"], what="points")

    def build(self):
        return nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Dropout(self.config.dropout), nn.Linear(8, 1))

    def describe(self):
        return "A plane through points"

    def optimizer(self, model):
        return torch.optim.Adam(model.parameters(), lr=self.config.lr)

    def schedule(self):
        return Schedule.from_settings(self.config.lr_scheduler, self.config.lr, self.config.n_iter)

    @property
    def grows(self):
        return not depends_on_length(self.config.lr_scheduler)

    def batches(self, start):
        for step in range(start, self.config.n_iter):
            first, share = step * self.config.batch_size, self.processes.share(self.config.batch_size)
            yield [(first + place) % len(self.inputs) for place in range(self.config.batch_size)[share]]

    def parts(self, batch):
        return [part.tolist() for part in torch.tensor(batch).tensor_split(self.config.accumulation)]

    def weight(self, part):
        return torch.tensor(float(len(part)), device=self.device.torch_device)

    def loss(self, network, part):
        inputs, targets = (each[part].to(self.device.torch_device) for each in (self.inputs, self.targets))
        with self.device.autocast():
            return (network(inputs).float() - targets).square().sum()

    def describe_batch(self, batch):
        return [f"point {number}" for number in batch]

    def validate(self, model, iteration, check, *, averaged):
        check()
        with torch.no_grad():
            found = model.eval()(self.inputs.to(self.device.torch_device)).cpu()
        return (found - self.targets).square().mean().item()

    def scores(self, result):
        return {"fit": 1 / (1 + result)}

    def report(self, progress, result, average):
        return [progress.headline(), f"Error: {result:.4f}"], {"error": result, "averaged_error": average}

    def describe_best(self, best):
        return f"Best fit {best['fit']:.3f}."

    def card(self, result, iteration, *, averaged):
        return Card()
