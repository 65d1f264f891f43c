#!/usr/bin/env python3
"""Train the default model on Tiny ImageNet-200 and export it.

    tools/train/train.py --data tiny-imagenet-200 --run runs/tiny_vgg_gap --export weights/tiny_vgg_gap.safetensors

The run folder keeps the decoded pictures, a checkpoint and the log; the same command again goes on from the
checkpoint. Every random choice is a function of (--seed, epoch, step), so an interrupted run draws the same
batches as an undisturbed one. Only the training split is read. Needs PyTorch, NumPy and Pillow
(Debian: python3-torch python3-numpy python3-pil).
"""

import argparse
import math
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

import tiny_imagenet
from export import export_model
from vgg_gap import VggGap, parse_widths


def parse_arguments():
    p = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    p.add_argument("--data", type=Path, required=True, help="the tiny-imagenet-200 folder")
    p.add_argument("--run", type=Path, required=True, help="folder of this run: cache, checkpoint, log")
    p.add_argument("--export", type=Path, help="write the camlite model here at the end")
    p.add_argument("--widths", default="32-32/64-64/128-128-128/256-256", help="convolutions, / is a pooling")
    p.add_argument("--epochs", type=int, default=9)
    p.add_argument("--small-epochs", type=int, default=5, help="of these, the first ones at --small-size")
    p.add_argument("--small-size", type=int, default=48, help="picture size of the first epochs")
    p.add_argument("--batch", type=int, default=128)
    p.add_argument("--peak-rate", type=float, default=0.2, help="one-cycle peak learning rate")
    p.add_argument("--weight-decay", type=float, default=5e-4)
    p.add_argument("--label-smoothing", type=float, default=0.1)
    p.add_argument("--held-out", type=int, default=0, help="pictures a class kept from training, to choose settings")
    p.add_argument("--checkpoint-minutes", type=float, default=5)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--seed", type=int, default=1)
    return p.parse_args()


def one_cycle(progress, peak):
    """Learning rate at progress in [0, 1]: cosine from peak / 25 up to peak at 0.25, then down to peak / 10,000."""

    def cosine(start, end, t):
        return end + (start - end) * (1 + math.cos(math.pi * t)) / 2

    if progress < 0.25:
        return cosine(peak / 25, peak, progress / 0.25)
    return cosine(peak, peak / 1e4, (progress - 0.25) / 0.75)


def normalized(pictures):
    """uint8 (N, H, W, 3) -> float (N, 3, H, W), channels innermost in memory."""
    mean = torch.tensor(tiny_imagenet.MEAN) * 255
    std = torch.tensor(tiny_imagenet.STD) * 255
    return ((pictures.float() - mean) / std).permute(0, 3, 1, 2)


def augmented(pictures, size, generator):
    """Reflected shifts of up to six pixels (of 64), mirror images of half the pictures, resized to size."""
    x = normalized(pictures)
    n, _, height, width = x.shape
    x = nn.functional.pad(x, (6, 6, 6, 6), mode="reflect")
    dy = torch.randint(0, 13, (n, 1), generator=generator)
    dx = torch.randint(0, 13, (n, 1), generator=generator)
    mirrored = torch.rand(n, 1, generator=generator) < 0.5
    columns = torch.arange(width).expand(n, width)
    columns = torch.where(mirrored, width - 1 - columns, columns) + dx
    rows = torch.arange(height).expand(n, height) + dy
    picture = torch.arange(n)[:, None, None]
    x = x.permute(0, 2, 3, 1)[picture, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
    if size != height:
        x = nn.functional.interpolate(x, size=(size, size), mode="bilinear", antialias=True)
    return x.contiguous(memory_format=torch.channels_last)


def split(classes, held_out):
    """Indices of (training, held-out) pictures: the last held_out of each class are held out."""
    keep = np.ones(len(classes), bool)
    if held_out:
        for k in np.unique(classes):
            keep[np.flatnonzero(classes == k)[-held_out:]] = False
    return np.flatnonzero(keep), np.flatnonzero(~keep)


@torch.no_grad()
def accuracy(model, pictures, classes, batch=250):
    """(top-1, top-5) as fractions."""
    model.eval()
    right1 = right5 = 0
    for i in range(0, len(classes), batch):
        x = normalized(torch.from_numpy(pictures[i : i + batch])).contiguous(memory_format=torch.channels_last)
        top = model(x).topk(5).indices
        hit = top == torch.from_numpy(classes[i : i + batch])[:, None]
        right1 += hit[:, 0].sum().item()
        right5 += hit.any(1).sum().item()
    model.train()
    return right1 / len(classes), right5 / len(classes)


def main():
    args = parse_arguments()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    pictures, classes = tiny_imagenet.training_split(args.data, args.run)
    labels = tiny_imagenet.class_labels(args.data)
    used, held_out = split(classes, args.held_out)

    model = VggGap(parse_widths(args.widths), len(labels)).to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(
        model.parameters(), lr=args.peak_rate, momentum=0.9, nesterov=True, weight_decay=args.weight_decay
    )
    steps = len(used) // args.batch  # the last, smaller batch of an epoch is left out
    done = 0  # steps over the whole run
    checkpoint = args.run / "checkpoint.pt"
    settings = {k: str(v) for k, v in vars(args).items() if k not in ("data", "run", "export", "threads", "checkpoint_minutes")}
    if checkpoint.exists():
        stored = torch.load(checkpoint)
        if stored["settings"] != settings:
            sys.exit(f"{checkpoint} was made with other settings: {stored['settings']}; use another --run")
        model.load_state_dict(stored["model"])
        optimizer.load_state_dict(stored["optimizer"])
        done = stored["done"]
        print(f"going on from {checkpoint}: step {done} of {args.epochs * steps}", file=sys.stderr)

    def save():
        part = checkpoint.with_suffix(".part")
        torch.save(
            {"settings": settings, "model": model.state_dict(), "optimizer": optimizer.state_dict(), "done": done}, part
        )
        part.replace(checkpoint)

    log = open(args.run / "log.tsv", "a", buffering=1)
    if log.tell() == 0:
        print("epoch\tsize\tloss\ttrain_top1\theld_out_top1\theld_out_top5\timages_per_second", file=log)
    saved_at = time.monotonic()
    model.train()
    for epoch in range(done // steps, args.epochs):
        size = args.small_size if epoch < args.small_epochs else 64
        order = np.random.default_rng([args.seed, epoch]).permutation(used)
        loss_sum = right = seen = 0
        started = time.monotonic()
        for step in range(done % steps, steps):
            for group in optimizer.param_groups:
                group["lr"] = one_cycle(done / (args.epochs * steps), args.peak_rate)
            chosen = np.sort(order[step * args.batch : (step + 1) * args.batch])
            generator = torch.Generator().manual_seed((args.seed * 1000 + epoch) * 100000 + step)
            x = augmented(torch.from_numpy(pictures[chosen]), size, generator)
            y = torch.from_numpy(classes[chosen])
            with torch.autocast("cpu", dtype=torch.bfloat16):
                logits = model(x)
            loss = nn.functional.cross_entropy(logits.float(), y, label_smoothing=args.label_smoothing)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            done += 1
            loss_sum += loss.item() * len(y)
            right += (logits.argmax(1) == y).sum().item()
            seen += len(y)
            if step % 10 == 9 or step == steps - 1:
                rate = seen / (time.monotonic() - started)
                left = (args.epochs * steps - done) * args.batch / rate / 60
                print(
                    f"\repoch {epoch + 1}/{args.epochs} step {step + 1}/{steps}  loss {loss_sum / seen:.3f}"
                    f"  top-1 {right / seen:.1%}  {rate:.0f} images/s  {left:.0f} min left ",
                    end="",
                    file=sys.stderr,
                    flush=True,
                )
            if time.monotonic() - saved_at > args.checkpoint_minutes * 60:
                save()
                saved_at = time.monotonic()
        save()
        rate = seen / (time.monotonic() - started)
        top1, top5 = accuracy(model, pictures[held_out], classes[held_out]) if args.held_out else (math.nan, math.nan)
        print(
            f"{epoch + 1}\t{size}\t{loss_sum / seen:.4f}\t{right / seen:.4f}\t{top1:.4f}\t{top5:.4f}\t{rate:.0f}", file=log
        )
        print(file=sys.stderr)

    if args.export:
        export_model(model.eval(), labels, args.export)
        print(f"wrote {args.export} ({args.export.stat().st_size / 1e6:.2f} MB)", file=sys.stderr)


if __name__ == "__main__":
    main()
