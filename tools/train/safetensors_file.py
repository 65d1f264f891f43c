"""A safetensors writer and reader: https://github.com/huggingface/safetensors, as docs/ and include/camlite/model describe it."""

import json
import os
import struct
from pathlib import Path

import numpy as np

_TYPES = {
    np.dtype(np.float32): "F32",
    np.dtype(np.float16): "F16",
    np.dtype(np.float64): "F64",
    np.dtype(np.int64): "I64",
}


def write_safetensors(path, tensors, metadata):
    """tensors: name -> array of float16, float32, float64 or int64; metadata: str -> str. The file appears whole or not."""
    header, offset = {"__metadata__": metadata}, 0
    for name, array in tensors.items():
        header[name] = {
            "dtype": _TYPES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [offset, offset + array.nbytes],
        }
        offset += array.nbytes
    text = json.dumps(header, ensure_ascii=False).encode("utf-8")
    text += b" " * (-len(text) % 8)  # the data start at a multiple of 8 bytes
    part = f"{path}.part"
    try:
        with open(part, "wb") as file:
            file.write(struct.pack("<Q", len(text)))
            file.write(text)
            for array in tensors.values():
                file.write(np.ascontiguousarray(array).tobytes())
        os.replace(part, path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise


def read_safetensors(path):
    """(tensors, metadata) of a file that write_safetensors wrote."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header, data = json.loads(file.read(length)), file.read()
    metadata = header.pop("__metadata__", {})
    types = {name: dtype for dtype, name in _TYPES.items()}
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        tensors[name] = np.frombuffer(data[begin:end], types[entry["dtype"]]).reshape(entry["shape"])
    return tensors, metadata
