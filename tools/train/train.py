#!/usr/bin/env python3
"""Train the default model on Tiny ImageNet-200 and export it.

    tools/train/train.py --data tiny-imagenet-200 --run runs/tiny_vgg_gap --export tiny_vgg_gap.safetensors

The defaults are the recipe for the device at hand; --minutes fits its schedule to the time there is. The run folder
keeps the decoded pictures, the checkpoint and the log: a run that was stopped (Ctrl-C, --stop-after, a power cut) goes
on with the same command. Every random choice is a function of (--seed, step), so it then draws what an undisturbed run
draws. Only the training split is read. Needs PyTorch, NumPy and Pillow (Debian: python3-torch python3-numpy
python3-pil); tools/train/README.md tells how long it takes on which machine.
"""

import argparse
import contextlib
import json
import math
import signal
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

import export
import tiny_imagenet
from augment import Augmentation, normalized, on_device, resampled, resampling
from vgg_gap import VggGap

STOPPED = 3  # exit status of a run that stopped before its end

# What differs between the devices: a CPU has time for so many epochs, a GPU wants large batches.
RECIPES = {
    "cpu": {"epochs": 18.0, "sizes": "32:0.3,48:0.45,64:0.25", "batch": 128, "crop": 0.5, "mix": 0.0},
    "cuda": {"epochs": 120.0, "sizes": "48:0.4,64:0.6", "batch": 512, "crop": 0.35, "mix": 0.5},
}


def parse_arguments():
    p = argparse.ArgumentParser(
        description=__doc__.split("\n\n")[0],
        epilog="Where two values are named, the first is the CPU's and the second the GPU's. On two quiet cores with AVX2 "
        "and nothing newer, 18 epochs take about 5 hours (estimated from the time of single steps: 100 pictures a "
        "second on average over the sizes); --minutes trains in the time that there is.",
    )

    def option(group, name, help, default=None, **more):
        """An option whose default is told; without one here, the recipe of the device has it."""
        key = name[2:].replace("-", "_")
        if default is None:
            told = ", ".join(f"{RECIPES[device][key]:g}" if not isinstance(RECIPES[device][key], str)
                             else RECIPES[device][key].replace(",", " ") for device in RECIPES)  # fmt: skip
        else:
            told = f"{default:g}" if isinstance(default, float) else str(default)
        group.add_argument(name, default=default, help=f"{help} ({told})".replace("%", "%%"), **more)

    files = p.add_argument_group("files")
    files.add_argument("--data", type=Path, required=True, help="the tiny-imagenet-200 folder")
    files.add_argument("--run", type=Path, required=True, help="folder of this run: cache, checkpoint, log")
    files.add_argument("--cache", type=Path, help="folder of the decoded pictures, if not --run")
    files.add_argument("--export", type=Path, metavar="FILE", help="write the camlite model here at the end")
    option(files, "--dtype", "of its weights", "F16", choices=export.DTYPES)
    option(files, "--map-raise", "what export.raise_maps adds to the class weights", 0.8, type=float)
    option(files, "--box-threshold", "share of a map's maximum at which the model's boxes are cut", 0.3, type=float)
    files.add_argument("--save-weights", type=Path, metavar="FILE",
                       help="write a model that can be trained on, or be a teacher: batch normalization not folded")  # fmt: skip
    files.add_argument("--start-from", type=Path, metavar="FILE",
                       help="begin with the weights of such a file, or of a model; residual layers may be added")  # fmt: skip
    files.add_argument("--teacher", type=Path, metavar="FILE", help="learn from this network's answers too")

    machine = p.add_argument_group("the machine")
    option(machine, "--device", "where to compute", "auto", choices=("auto", "cpu", "cuda"))
    option(machine, "--precision", "of the convolutions; auto: the faster one here", "auto",
           choices=("auto", "float32", "bfloat16"))  # fmt: skip
    option(machine, "--threads", "on a CPU", 2, type=int)
    machine.add_argument("--compile", action="store_true", help="use torch.compile")
    option(machine, "--checkpoint-minutes", "between checkpoints", 5.0, type=float)
    machine.add_argument("--stop-after", type=float, metavar="MINUTES",
                         help=f"save the checkpoint and stop after so long, with exit status {STOPPED}")  # fmt: skip

    schedule = p.add_argument_group("schedule")
    option(schedule, "--epochs", "over the training pictures", type=float)
    schedule.add_argument("--minutes", type=float, help="as many epochs as take this long here, instead of --epochs")
    option(schedule, "--sizes", "picture sizes, each with its share of the steps", metavar="SIZE:SHARE,...")
    schedule.add_argument("--from", dest="begin", type=float, default=0.0, metavar="SHARE",
                          help="do only what comes behind this share of the schedule, from --start-from on (0)")  # fmt: skip
    schedule.add_argument("--to", dest="end", type=float, default=1.0, metavar="SHARE",
                          help="do only what comes before this share of the schedule (1)")  # fmt: skip
    option(schedule, "--batch", "pictures in a step", type=int)
    option(schedule, "--rate", "peak learning rate of the one-cycle schedule, for 128 pictures in a step", 0.1, type=float)
    option(schedule, "--weight-decay", "of convolutions and the linear layer", 5e-4, type=float)
    option(schedule, "--average", "decay, a step, of the averaged weights that are exported; 0: none", 0.998, type=float)

    task = p.add_argument_group("network and task")
    option(task, "--layers", "the network, as vgg_gap.py describes it", "64s-r/128-r/256-r-r")
    option(task, "--crop", "least share of a picture's area that is cut out", type=float)
    option(task, "--colour", "strength of changes of brightness, contrast, saturation", 0.2, type=float)
    option(task, "--erase", "share of pictures with a square erased", 0.0, type=float)
    option(task, "--mix", "share of pictures with a square of another one", type=float)
    option(task, "--label-smoothing", "share of the target that all classes get", 0.1, type=float)
    option(task, "--teacher-share", "share of the loss that is the difference from the teacher", 0.7, type=float)
    option(task, "--temperature", "of the softmaxes that are compared with the teacher's", 2.0, type=float)
    option(task, "--held-out", "pictures a class kept from training, to choose settings on", 10, type=int)
    option(task, "--seed", "of all random choices", 1, type=int)

    args = p.parse_args()
    if args.device == "auto":
        args.device = "cuda" if torch.cuda.is_available() else "cpu"
    for key, value in RECIPES[args.device].items():
        if getattr(args, key) is None:
            setattr(args, key, value)
    try:
        args.sizes = [(int(size), float(share)) for size, share in (part.split(":") for part in args.sizes.split(","))]
    except ValueError:
        p.error(f"--sizes {args.sizes}: expected SIZE:SHARE,...")
    if not 0 <= args.begin < args.end <= 1:
        p.error(f"--from {args.begin:g} --to {args.end:g}: expected 0 <= from < to <= 1")
    if args.begin > 0 and args.start_from is None:
        p.error("--from needs --start-from: the weights of the piece before")
    return args


def one_cycle(progress):
    """Share of the peak learning rate at progress in [0, 1]: linear from 1/25 to 1 at 0.2, then a cosine to 0."""
    if progress < 0.2:
        return 0.04 + 0.96 * progress / 0.2
    return (1 + math.cos(math.pi * (progress - 0.2) / 0.8)) / 2


def size_at(progress, sizes):
    """The picture size at progress in [0, 1]."""
    total, seen = sum(share for _, share in sizes), 0.0
    for size, share in sizes:
        seen += share / total
        if progress < seen:
            return size
    return sizes[-1][0]


def split(classes, held_out):
    """Indices of (training, held-out) pictures: the last held_out of each class are held out."""
    keep = np.ones(len(classes), bool)
    if held_out:
        for k in np.unique(classes):
            keep[np.flatnonzero(classes == k)[-held_out:]] = False
    return np.flatnonzero(keep), np.flatnonzero(~keep)


def faster_precision(device):
    """'bfloat16' where a convolution's step is faster in it than in float32, else 'float32'.

    GPUs and the newest processors have instructions for it; PyTorch emulates it on the others, 20 times slower.
    """
    layer = torch.nn.Conv2d(64, 64, 3, padding=1).to(device, memory_format=torch.channels_last)
    x = torch.randn(8, 64, 32, 32, device=device).to(memory_format=torch.channels_last)

    def seconds(precision):
        times = []
        for _ in range(4):
            started = time.perf_counter()
            with autocast(device, precision):
                y = layer(x)
            y.float().sum().backward()
            if device == "cuda":
                torch.cuda.synchronize()
            times.append(time.perf_counter() - started)
        return min(times)

    return min(("float32", "bfloat16"), key=seconds)


def autocast(device, precision):
    return contextlib.nullcontext() if precision == "float32" else torch.autocast(device, dtype=torch.bfloat16)


class Average:
    """Exponential moving average of a network's parameters and batch statistics, in a network of its own."""

    def __init__(self, network, averaged, decay):
        self.decay, self.averaged, self.updates = decay, averaged, 0
        averaged.load_state_dict(network.state_dict())
        floats = lambda n: [t for t in n.state_dict().values() if t.is_floating_point()]
        self.source, self.target = floats(network), floats(averaged)

    @torch.no_grad()
    def update(self):
        """The first updates count more, so that the beginning is forgotten soon."""
        self.updates += 1
        decay = min(self.decay, self.updates / (self.updates + 10))
        torch._foreach_mul_(self.target, decay)
        torch._foreach_add_(self.target, self.source, alpha=1 - decay)


class Training:
    """All that changes from step to step, and one step."""

    def __init__(self, args, pictures, classes, labels):
        self.args, self.pictures, self.classes = args, pictures, classes
        make = lambda layers: VggGap(layers, len(labels)).to(args.device, memory_format=torch.channels_last)
        self.network = make(args.layers)
        if args.start_from:
            some = pictures[:: max(1, len(pictures) // 500)]
            try:
                export.begin_with(args.start_from, self.network, normalized(some))
            except (OSError, ValueError) as error:
                sys.exit(f"--start-from: {error}")
        self.network.train()
        self.averaged = make(args.layers).eval()
        self.average = Average(self.network, self.averaged, args.average)
        self.teacher = None
        if args.teacher:
            self.teacher, _ = export.read_model(args.teacher)
            self.teacher.to(args.device, memory_format=torch.channels_last)
        decayed = [p for p in self.network.parameters() if p.ndim > 1]
        others = [p for p in self.network.parameters() if p.ndim == 1]
        self.optimizer = torch.optim.SGD(
            [{"params": decayed, "weight_decay": args.weight_decay}, {"params": others}],
            lr=args.rate, momentum=0.9, nesterov=True,
        )  # fmt: skip
        self.forward = torch.compile(self.network) if args.compile else self.network
        self.augmentation = Augmentation(args.crop, args.colour, args.erase, args.mix)
        self.done = 0  # steps of the whole schedule
        # Since the last line of the log; on the device, since a GPU would have to be waited for to read them.
        self.sums = torch.zeros(3, dtype=torch.float64, device=args.device)  # loss, right answers, pictures

    def losses(self, chosen, size, random):
        """(loss, number of right answers) of the pictures of these indices"""
        args = self.args
        x, others, own = self.augmentation(self.pictures[chosen], self.classes[chosen], size, random)
        y = self.classes[chosen]
        with autocast(args.device, args.precision):
            logits = self.forward(x)
        logits = logits.float()
        entropy = lambda target: F.cross_entropy(
            logits, target, label_smoothing=args.label_smoothing, reduction="none"
        )
        loss = (own * entropy(y) + (1 - own) * entropy(others)).mean() if args.mix else entropy(y).mean()
        if self.teacher is not None:
            with torch.no_grad(), autocast(args.device, args.precision):
                wanted = self.teacher(x).float()
            t = args.temperature
            difference = F.kl_div(
                F.log_softmax(logits / t, 1), F.log_softmax(wanted / t, 1), log_target=True, reduction="batchmean"
            )
            loss = (1 - args.teacher_share) * loss + args.teacher_share * t * t * difference
        return loss, (logits.argmax(1) == y).sum()

    def step(self, chosen, size, rate, random):
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        loss, right = self.losses(chosen, size, random)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        if self.args.average:
            self.average.update()
        self.done += 1
        n = len(chosen)
        self.sums += torch.stack([loss.detach().double() * n, right.double(), torch.full_like(loss, n).double()])

    def seconds_a_step(self, size):
        """The median of some steps, the changes of which are undone."""
        kept = {k: v.clone() for k, v in self.network.state_dict().items()}
        times = []
        for i in range(7):
            if self.args.device == "cuda":
                torch.cuda.synchronize()
            started = time.perf_counter()
            loss, _ = self.losses(
                torch.arange(self.args.batch, device=self.args.device) % len(self.pictures), size,
                np.random.default_rng(i),
            )  # fmt: skip
            loss.backward()
            self.network.zero_grad(set_to_none=True)
            if self.args.device == "cuda":
                torch.cuda.synchronize()
            times.append(time.perf_counter() - started)
        self.network.load_state_dict(kept)
        return float(np.median(times[2:]))

    def result(self):
        """The network to be exported."""
        return self.averaged if self.args.average else self.network

    def save(self, path, settings):
        part = path.with_suffix(".part")
        stored = {
            "settings": settings,
            "network": self.network.state_dict(),
            "averaged": self.averaged.state_dict(),
            "updates": self.average.updates,
            "optimizer": self.optimizer.state_dict(),
            "done": self.done,
            "sums": self.sums,
        }
        torch.save(stored, part)
        part.replace(path)

    def load(self, stored):
        self.network.load_state_dict(stored["network"])
        self.averaged.load_state_dict(stored["averaged"])
        self.average.updates = stored["updates"]
        self.optimizer.load_state_dict(stored["optimizer"])
        self.done = stored["done"]
        self.sums = stored["sums"].to(self.args.device)

    @torch.no_grad()
    def accuracy(self, indices, size, batch=250):
        """(top-1, top-5) of self.result() as fractions"""
        network = self.result().eval()
        right1 = right5 = 0
        zero, no = torch.zeros(1, device=self.args.device), torch.zeros(1, dtype=bool, device=self.args.device)
        whole = resampling(zero, zero + self.pictures.shape[2], no, size, self.pictures.shape[2])
        for i in range(0, len(indices), batch):
            chosen = torch.from_numpy(indices[i : i + batch]).to(self.args.device)
            x = resampled(normalized(self.pictures[chosen]), whole, whole).contiguous(memory_format=torch.channels_last)
            with autocast(self.args.device, self.args.precision):
                top = network(x).topk(5).indices
            hit = top == self.classes[chosen][:, None]
            right1 += hit[:, 0].sum().item()
            right5 += hit.any(1).sum().item()
        self.network.train()
        return right1 / len(indices), right5 / len(indices)


def settings_of(args):
    """What a checkpoint must agree with to be gone on with."""
    elsewhere = {"data", "run", "cache", "export", "dtype", "map_raise", "box_threshold", "save_weights", "device",
                 "threads", "compile", "checkpoint_minutes", "stop_after"}  # fmt: skip
    return {k: str(v) for k, v in sorted(vars(args).items()) if k not in elsewhere}


def agreed_settings(args):
    """The settings of the run folder, if there are any; exits if the command's are others. Settings that were found by
    measuring stay what they were when the run began."""
    path = args.run / "settings.json"
    if not path.exists():
        return {}
    stored, wanted = json.loads(path.read_text()), settings_of(args)
    measured = {"precision"} if args.precision == "auto" else set()
    measured |= {"epochs"} if args.minutes else set()
    differing = [k for k in wanted if k not in measured and wanted[k] != stored.get(k)]
    if differing:
        lines = "\n".join(f"  {k}: {stored.get(k)} there, {wanted[k]} here" for k in differing)
        sys.exit(f"{args.run} was begun with other settings; use another --run\n{lines}")
    return stored


def duration(seconds):
    """'1 h 05 min', '12 min', '40 s'"""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"


class Progress:
    """The line on standard error: how fast, how long still. Times are of the last minute or so, a size each."""

    def __init__(self, sizes, total_steps):
        self.sizes, self.total = sizes, total_steps
        self.seconds = {}  # a step takes, by size

    def stepped(self, size, seconds):
        known = self.seconds.get(size, seconds)
        self.seconds[size] = known + (seconds - known) * 0.05

    def left(self, done, end):
        """Seconds; a size not seen yet takes time by its pixels."""
        known_size, known = next(iter(sorted(self.seconds.items(), reverse=True)))
        total, seconds, first = sum(share for _, share in self.sizes), 0.0, 0.0
        for size, share in self.sizes:
            last = first + share / total * self.total
            steps = max(0.0, min(last, end) - max(first, done))
            seconds += steps * self.seconds.get(size, known * (size / known_size) ** 2)
            first = last
        return seconds


def main():
    args = parse_arguments()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    if args.device == "cuda":
        torch.backends.cudnn.benchmark = True
    args.run.mkdir(parents=True, exist_ok=True)
    stored_settings = agreed_settings(args)
    if args.precision == "auto":
        args.precision = stored_settings.get("precision") or faster_precision(args.device)

    pictures, classes = tiny_imagenet.training_split(args.data, args.cache or args.run)
    labels = tiny_imagenet.class_labels(args.data)
    used, held_out = split(classes, args.held_out)
    steps = len(used) // args.batch  # an epoch; the last, smaller batch is left out
    if steps == 0:
        sys.exit(f"--batch {args.batch}: there are only {len(used)} pictures to train on")
    training = Training(
        args,
        torch.from_numpy(pictures).permute(0, 3, 1, 2).contiguous().to(args.device),
        torch.from_numpy(classes).to(args.device),
        labels,
    )
    del pictures
    if args.minutes and stored_settings:
        args.epochs = float(stored_settings["epochs"])
    elif args.minutes:
        share = sum(share for _, share in args.sizes)
        seconds = sum(share_of * training.seconds_a_step(size) for size, share_of in args.sizes) / share
        # A twentieth for the steps' own work, checkpoints and the held-out pictures.
        args.epochs = 0.95 * args.minutes * 60 / (args.end - args.begin) / seconds / steps
    settings = settings_of(args)
    (args.run / "settings.json").write_text(json.dumps(settings, indent=1) + "\n")
    total = max(1, round(args.epochs * steps))
    training.done, end = round(args.begin * total), round(args.end * total)

    checkpoint = args.run / "checkpoint.pt"
    if checkpoint.exists():
        training.load(torch.load(checkpoint, map_location=args.device))
        print(f"going on from {checkpoint}: step {training.done} of {end}", file=sys.stderr)
    parameters = sum(p.numel() for p in training.network.parameters())
    print(
        f"{args.layers}: {parameters / 1e6:.2f} M parameters; {args.device}, {args.precision}; "
        f"{args.epochs:.1f} epochs of {steps} steps of {args.batch} pictures",
        file=sys.stderr,
    )

    stop = []  # the signal that asks to stop
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, frame: stop.append(received))
    log = open(args.run / "log.tsv", "a", buffering=1)
    if log.tell() == 0:
        print("epoch\tsize\trate\tloss\ttrain_top1\theld_out_top1\theld_out_top5\timages_per_second", file=log)
    progress, started, saved_at = Progress(args.sizes, total), time.monotonic(), time.monotonic()
    order, order_of = None, None
    shown_at, shown_step = started, training.done
    while training.done < end:
        epoch, step = divmod(training.done, steps)
        if order_of != epoch:
            order, order_of = np.random.default_rng([args.seed, epoch]).permutation(used), epoch
        share = training.done / total
        size = size_at(share, args.sizes)
        rate = args.rate * args.batch / 128 * one_cycle(share)
        chosen = on_device(order[step * args.batch : (step + 1) * args.batch], args.device)
        training.step(chosen, size, rate, np.random.default_rng([args.seed, epoch, step]))

        epoch_ends = training.done % steps == 0 or training.done == end
        now = time.monotonic()
        if now - shown_at > 2 or epoch_ends:
            loss, right, seen = training.sums.tolist()
            now = time.monotonic()  # the GPU has been waited for
            seconds = (now - shown_at) / (training.done - shown_step)
            progress.stepped(size, seconds)
            shown_at, shown_step = now, training.done
            print(
                f"\repoch {training.done / steps:.2f}/{args.epochs:.1f}  {size}x{size}  loss {loss / seen:.3f}  "
                f"top-1 {right / seen:.1%}  {args.batch / progress.seconds[size]:.0f} images/s  "
                f"{duration(progress.left(training.done, end))} left ",
                end="", file=sys.stderr, flush=True,
            )  # fmt: skip
        if epoch_ends:
            top1, top5 = training.accuracy(held_out, size) if args.held_out else (math.nan, math.nan)
            print(
                f"{training.done / steps:.2f}\t{size}\t{rate:.4f}\t{loss / seen:.4f}\t{right / seen:.4f}\t{top1:.4f}\t"
                f"{top5:.4f}\t{args.batch / progress.seconds[size]:.0f}",
                file=log,
            )
            print(f" held out {top1:.1%}", file=sys.stderr)
            training.sums.zero_()
        late = args.stop_after is not None and now - started > args.stop_after * 60
        # The end of an epoch is a good place for a checkpoint, where the epochs are not over in seconds.
        wait = 60 * args.checkpoint_minutes * (0.1 if epoch_ends else 1)
        if training.done == end or stop or late or now - saved_at > wait:
            training.save(checkpoint, settings)
            saved_at = shown_at = time.monotonic()
            shown_step = training.done
        if (stop or late) and training.done < end:
            print(f"\nstopped at step {training.done} of {end}; the same command goes on", file=sys.stderr)
            sys.exit(STOPPED)

    notes = {"train.settings": json.dumps(settings)}
    if args.save_weights:
        # Not the averaged ones where the schedule goes on: they lag behind.
        network = training.result() if args.end == 1 else training.network
        export.write_model(args.save_weights, network.eval(), labels, args.dtype, fold=False, notes=notes)
        print(f"wrote {args.save_weights}", file=sys.stderr)
    if args.export:
        export.write_model(
            args.export, training.result().eval(), labels, args.dtype, map_raise=args.map_raise,
            box_threshold=args.box_threshold, notes=notes
        )
        print(f"wrote {args.export} ({args.export.stat().st_size / 1e6:.2f} MB)", file=sys.stderr)


if __name__ == "__main__":
    main()
