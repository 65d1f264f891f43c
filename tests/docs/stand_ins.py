"""Small files in the place of large ones that the documents name: the same formats and class counts, random weights.

    stand_ins.py NAME...       resnet50.onnx, resnet18.pth, vgg16CAM.caffemodel, deploy.prototxt, ...
"""

import sys
from pathlib import Path

import numpy as np

CLI = Path(__file__).resolve().parents[1] / "cli"
sys.path.insert(0, str(CLI))
MAKE_NET = """import torchvision


def make_net():
    return torchvision.models.ResNet(torchvision.models.resnet.BasicBlock, [1, 1, 1, 1], num_classes=1000)
"""


def thin_resnet():
    import torchvision

    return torchvision.models.ResNet(torchvision.models.resnet.BasicBlock, [1, 1, 1, 1], num_classes=1000)


def caffe(path):
    import caffe_files

    make = caffe_files.googlenet_cam if "googlenet" in path.name else caffe_files.vgg16_cam
    net = make(8) if "googlenet" in path.name else make(width=4)
    if path.suffix == ".prototxt":
        path.write_text(net.prototxt())
    else:
        path.write_bytes(net.caffemodel())


def make(path):
    if path.suffix in (".caffemodel", ".prototxt"):
        caffe(path)
    elif path.suffix == ".txt":  # ImageNet's classes
        path.write_text("".join(f"n{number:08} class {number}\n" for number in range(1000)))
    elif path.suffix == ".onnx":
        import torch

        torch.manual_seed(1)
        torch.onnx.export(thin_resnet().eval(), torch.zeros(1, 3, 224, 224), str(path))
    elif path.suffix == ".pth":
        import torch
        import torchvision

        torch.manual_seed(1)
        torch.save((torchvision.models.resnet18() if path.stem == "resnet18" else thin_resnet()).state_dict(), path)
    elif path.suffix == ".safetensors":  # with two linear layers at its end
        from support import write_safetensors

        graph = ["input channels=3 height=32 width=32", "gap global_avg_pool input", "hidden linear gap out_features=8",
                 "relu relu hidden", "fc linear relu out_features=1000"]  # fmt: skip
        shapes = {"hidden.weight": (8, 3), "hidden.bias": 8, "fc.weight": (1000, 8), "fc.bias": 1000}
        write_safetensors(path, {name: np.zeros(shape, np.float32) for name, shape in shapes.items()},
                          {"camlite.version": "1", "camlite.graph": "\n".join(graph)})
    elif path.suffix == ".py":
        path.write_text(MAKE_NET)
    else:
        sys.exit(f"{path}: no stand-in is known for this")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        make(Path(name))
