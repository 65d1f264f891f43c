"""The peers, each as its users make it fast in full float32. One of them lives in one worker process.

An engine's constructor imports it, `load` reads the network and makes it ready, `run` is one forward pass from an input
that is already there to the three outputs as arrays or the engine's own tensors, `outputs` gives them as arrays.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from pathlib import Path

import numpy as np

from exports import OUTPUTS


class Engine(ABC):
    version: str
    names: tuple[str, ...] = OUTPUTS  # of what the network gives

    @abstractmethod
    def __init__(self) -> None: ...

    @abstractmethod
    def load(self, folder: Path, threads: int, pictures: np.ndarray) -> None:
        """The network in the folder, ready for these pictures (N, C, H, W) on this many threads."""

    @abstractmethod
    def run(self) -> None: ...

    @abstractmethod
    def outputs(self) -> list[np.ndarray]:
        """What the last run computed, in the order of `names`."""


class OnnxRuntime(Engine):
    def __init__(self) -> None:
        import onnxruntime

        self.onnxruntime, self.version = onnxruntime, onnxruntime.__version__

    def load(self, folder: Path, threads: int, pictures: np.ndarray) -> None:
        options = self.onnxruntime.SessionOptions()
        # ALL includes the blocked channel layout (NCHWc), without which it is 1.5 times as slow.
        options.graph_optimization_level = self.onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1  # a chain has nothing to run side by side
        self.session = self.onnxruntime.InferenceSession(
            str(folder / "network.onnx"), options, providers=["CPUExecutionProvider"]
        )
        self.names = tuple(output.name for output in self.session.get_outputs())
        self.feed = {"input": pictures}

    def run(self) -> None:
        self.values = self.session.run(self.names, self.feed)

    def outputs(self) -> list[np.ndarray]:
        return self.values


class OpenVino(Engine):
    def __init__(self) -> None:
        # Its usage reports leave files in the home folder and fork a process that can hang; it does without them.
        sys.modules["openvino_telemetry"] = None
        import openvino

        self.openvino, self.version = openvino, openvino.__version__.split("-")[0]

    def load(self, folder: Path, threads: int, pictures: np.ndarray) -> None:
        core = self.openvino.Core()
        model = core.read_model(str(folder / "network.onnx"))
        model.reshape(list(pictures.shape))  # a fixed shape lets it choose its kernels at once
        settings = {
            "PERFORMANCE_HINT": "LATENCY",  # one stream with all threads
            "INFERENCE_NUM_THREADS": threads,
            "INFERENCE_PRECISION_HINT": "f32",  # else bfloat16 where the processor has it
            "ENABLE_CPU_PINNING": False,  # the process shares the processors with other workers
        }
        self.request = core.compile_model(model, "CPU", settings).create_infer_request()
        self.request.set_input_tensor(self.openvino.Tensor(pictures, shared_memory=True))

    def run(self) -> None:
        self.request.infer(share_outputs=True)

    def outputs(self) -> list[np.ndarray]:
        return [np.array(self.request.get_tensor(name).data) for name in OUTPUTS]


class Mnn(Engine):
    def __init__(self) -> None:
        import MNN

        self.mnn, self.version = MNN, MNN.version()

    def load(self, folder: Path, threads: int, pictures: np.ndarray) -> None:
        # A session and not the newer Module: measured alike in time, 80 MB less.
        self.interpreter = self.mnn.Interpreter(str(folder / "network.mnn"))
        # "high" is full float32, the others may be half; "saveTensors" are results that later layers read too.
        settings = {"backend": "CPU", "precision": "high", "numThread": threads, "saveTensors": OUTPUTS}
        self.session = self.interpreter.createSession(settings)
        self.input = self.interpreter.getSessionInput(self.session)
        if self.input.getShape() != pictures.shape:
            self.interpreter.resizeTensor(self.input, pictures.shape)
            self.interpreter.resizeSession(self.session)
        self.pictures = self._host_tensor(pictures)
        self.values = []
        for name in OUTPUTS:
            value = self.interpreter.getSessionOutput(self.session, name)
            self.values.append((value, self._host_tensor(np.zeros(value.getShape(), np.float32))))

    def _host_tensor(self, array: np.ndarray):
        """With a copy of the array, in its layout: MNN's own tensors have another."""
        return self.mnn.Tensor(array.shape, self.mnn.Halide_Type_Float, array, self.mnn.Tensor_DimensionType_Caffe)

    def run(self) -> None:
        self.input.copyFrom(self.pictures)  # each time: a run uses the input's memory again
        self.interpreter.runSession(self.session)
        for value, host in self.values:
            value.copyToHostTensor(host)

    def outputs(self) -> list[np.ndarray]:
        return [host.getNumpyData() for _, host in self.values]


class Ncnn(Engine):
    def __init__(self) -> None:
        import ncnn

        self.ncnn, self.version = ncnn, ncnn.__version__

    def load(self, folder: Path, threads: int, pictures: np.ndarray) -> None:
        net = self.net = self.ncnn.Net()
        net.opt.num_threads = threads
        net.opt.lightmode = True  # gives a layer's input back as soon as it has been read
        net.opt.use_winograd_convolution = True
        net.opt.use_sgemm_convolution = True
        net.opt.use_packing_layout = True
        # All that would not be float32.
        for option in ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_packed", "bf16_storage"):
            setattr(net.opt, f"use_{option}", False)
        if net.load_param(str(folder / "network.param")) or net.load_model(str(folder / "network.bin")):
            raise RuntimeError("ncnn cannot read the network")
        # It has no batches: picture after picture.
        self.pictures = [self.ncnn.Mat(picture).clone() for picture in pictures]

    def run(self) -> None:
        self.values = []
        for picture in self.pictures:
            extractor = self.net.create_extractor()
            extractor.input("input", picture)
            self.values.append([extractor.extract(name)[1] for name in OUTPUTS])

    def outputs(self) -> list[np.ndarray]:
        return [np.stack([np.array(picture[i]) for picture in self.values]) for i in range(len(OUTPUTS))]


class PyTorch(Engine):
    def __init__(self) -> None:
        import torch

        self.torch, self.version = torch, torch.__version__

    def load(self, folder: Path, threads: int, pictures: np.ndarray) -> None:
        torch = self.torch
        torch.set_num_threads(threads)
        torch.set_num_interop_threads(1)  # a chain has nothing to run side by side
        script = torch.jit.load(str(folder / "network.pt")).eval()
        # Freezing makes the weights constants; the second step puts them into oneDNN's layouts.
        self.module = torch.jit.optimize_for_inference(torch.jit.freeze(script))
        self.input = torch.from_numpy(pictures)

    def run(self) -> None:
        with self.torch.inference_mode():
            self.values = self.module(self.input)

    def outputs(self) -> list[np.ndarray]:
        return [value.numpy() for value in self.values]


ENGINES: dict[str, type[Engine]] = {
    "onnxruntime": OnnxRuntime,
    "openvino": OpenVino,
    "mnn": Mnn,
    "ncnn": Ncnn,
    "pytorch": PyTorch,
}
