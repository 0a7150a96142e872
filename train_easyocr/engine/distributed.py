"""The processes that train together: one, or as many as torchrun started, on one machine or several.

Each process computes its share of every batch; torch's DistributedDataParallel adds up the gradients. What is here
besides keeps them together: a stop or an error in one of them ends all at the same step.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from train_easyocr.common.errors import OtherProcessError, UsageError, UserError

PATIENCE = timedelta(hours=1)
"""How long a process waits for the others, such as for a machine whose disk is slow to give the labels."""


@dataclass(frozen=True)
class Processes:
    """The processes of a run; `Processes()` is a process on its own.

    Attributes:
        rank: This one's number, from 0; number 0 alone writes files and shows progress.
        count: How many there are.
        local_rank: This one's number on its machine, which is that of its GPU.
    """

    rank: int = 0
    count: int = 1
    local_rank: int = 0

    @classmethod
    @contextmanager
    def joined(cls) -> Iterator[Processes]:
        """Join the processes that torchrun started (it says so in the environment), and leave them at the end.

        Within such a block, a second one has the same processes: torch connects the same ones only once.

        Raises:
            UsageError: There are more processes than GPUs on this machine.
        """
        rank, count, local = (int(os.environ.get(name, default)) for name, default in _ENVIRONMENT)
        if count == 1 or dist.is_initialized():
            yield cls(rank, count, local)
            return
        try:
            dist.init_process_group(_take_device(local), timeout=PATIENCE)
            yield cls(rank, count, local)
        except UserError as error:
            error.agreed = True
            raise
        finally:
            if dist.is_initialized():
                dist.destroy_process_group()

    @property
    def first(self) -> bool:
        """Whether this is the process that writes and shows progress."""
        return self.rank == 0

    def unused_gpus(self) -> str:
        """Say how this machine's other GPUs are used, if it has several and this is the only process; else nothing."""
        gpus = torch.cuda.device_count()
        if self.count > 1 or gpus < 2:
            return ""
        return f", one of {gpus} GPUs; torchrun --standalone --nproc_per_node={gpus} -m train_easyocr.train takes all"

    def share(self, total: int) -> slice:
        """Return which of `total` things in a row are this process's; shares differ by one at most."""
        return slice(total * self.rank // self.count, total * (self.rank + 1) // self.count)

    def sum(self, values: torch.Tensor) -> torch.Tensor:
        """Add up a tensor over all processes, in place; raises OtherProcessError."""
        if self.count > 1:
            with _noticing():
                dist.all_reduce(values)
        return values

    def any(self, flag: bool) -> bool:
        """Return whether `flag` is set in any process; raises OtherProcessError."""
        if self.count == 1:
            return flag
        return bool(self.sum(torch.tensor([int(flag)])).item())

    def gather(self, value: Any) -> list[Any]:
        """Return what each process has, by rank; raises OtherProcessError."""
        if self.count == 1:
            return [value]
        values: list[Any] = [None] * self.count
        with _noticing():
            dist.all_gather_object(values, value)
        return values

    def of_first(self, value: Any) -> Any:
        """Return what the first process has, for what only it can read; raises OtherProcessError."""
        if self.count == 1:
            return value
        values = [value]
        with _noticing():
            dist.broadcast_object_list(values, src=0, device=torch.device("cpu"))
        return values[0]

    @contextmanager
    def agreeing(self) -> Iterator[None]:
        """End the block in all processes alike: where one raises, all do.

        A process whose error one before it has, too, raises OtherProcessError in its place, as those do that have
        none; so each error is told once.
        """
        if self.count == 1:
            yield
            return
        error: Exception | None = None
        try:
            yield
        except OtherProcessError:
            raise  # nobody is there to agree with
        except Exception as caught:
            error = caught
        if self.any(error is not None):
            texts = self.gather(str(error) if error else None)
            if error is not None and str(error) not in texts[: self.rank]:
                raise error
            raise OtherProcessError("another process failed") from error

    @contextmanager
    def one_a_machine_first(self) -> Iterator[None]:
        """Let the first process of each machine run the block before the others, which find what it has left there."""
        if self.local_rank:
            self.any(False)
        try:
            yield
        finally:
            if not self.local_rank:
                self.any(False)

    def check_same(self, facts: Mapping[str, Any]) -> None:
        """Refuse to train with processes that were given different settings or data.

        Raises:
            UsageError: In those processes whose facts are not the first one's.
        """
        expected = self.of_first(dict(facts))
        different = [name for name, value in facts.items() if expected.get(name) != value]
        if different:
            raise UsageError(
                f"process {self.rank} ({socket.gethostname()}) is not given what process 0 is: {', '.join(different)}; "
                "all machines need the same settings and data"
            )

    def wrap(self, model: nn.Module, device: torch.device) -> nn.Module:
        """Return the network for training: gradients are the mean over processes.

        The parameters and buffers become those of the first process. Batches are normalized over the images of all
        GPUs; on CPUs, where torch has no such layer, over each process's own.

        What is left besides between one process and several is rounding: sums are added up in another order. In
        float64 the gradients are equal to 12 digits. Adam's and Adadelta's first steps, which go by a gradient's sign,
        part the weights where gradients are near zero.

        Args:
            model: The network, on the device. Its normalizations are replaced; the names of its state stay.
            device: Where it computes.
        """
        if self.count == 1:
            return model
        if device.type == "cuda":
            model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
        # Buffers are sent at the start, and where they are used (`share_buffers`), not at each step.
        return DistributedDataParallel(model, forward_sync_buffers=False, gradient_as_bucket_view=True)

    def share_buffers(self, model: nn.Module) -> None:
        """Give all processes the first one's buffers, such as statistics of its images; raises OtherProcessError."""
        if self.count > 1:
            with _noticing():
                for buffer in model.buffers():
                    dist.broadcast(buffer, src=0)


def _take_device(local: int) -> str:
    """Take the GPU of a process's number on its machine, where there are any; return torch's backend."""
    if not torch.cuda.is_available():
        return "gloo"
    if local >= torch.cuda.device_count():
        raise UsageError(
            f"{socket.gethostname()}: torchrun starts more processes than the {torch.cuda.device_count()} "
            "GPUs that torch finds here; lower --nproc_per_node"
        )
    torch.cuda.set_device(local)
    return "cpu:gloo,cuda:nccl"


ALONE = Processes()
_ENVIRONMENT = (("RANK", "0"), ("WORLD_SIZE", "1"), ("LOCAL_RANK", "0"))


@contextmanager
def _noticing() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        raise OtherProcessError(f"the connection to the other processes is lost: {error}") from None
