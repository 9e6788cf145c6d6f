"""``chainrule train``: train a network on a table, and save it with its preparation."""

import typer

from chainrule.cli import table_options as given
from chainrule.cli.requirements import require_files
from chainrule.cli.train_rules import (
    TRAIN_UNUSED,
    options_of,
    reject_schedule,
    rule_of,
    without_defaults,
)
from chainrule.cli.unused_options import reject_unused_options

EXAMPLES = """\b
Examples:
  chainrule train iris                      a data set with a name
  chainrule train customers.csv --target renewal --impute median
  chainrule train prices.parquet --target price --hidden 64,32 --epochs 500
  chainrule train --resume model.run        after Ctrl-C, or a crash
  chainrule train --config model.run/config.toml --seed 1
  chainrule train sales/ --target price     a folder, larger than memory
  mpiexec -n 8 chainrule train prices.parquet --target price --distributed

\b
Then: chainrule predict model.safetensors new.csv
      chainrule explain model.safetensors new.csv --row 7

Every option can be set in the environment, as CHAINRULE_TRAIN_SEED=1."""


def train(  # noqa: PLR0913 (one for each option)
    context: typer.Context,
    data: given.OptionalData = None,
    *,
    config: given.Config = None,
    resume: given.Resume = None,
    target: given.Target = None,
    task: given.Task = None,
    columns: given.Columns = None,
    drop: given.Drop = None,
    categories: given.Categories = None,
    impute: given.Impute = None,
    standardize_target: given.StandardizeTarget = None,
    dtype: given.Dtype = None,
    validation: given.HeldOut = None,
    delimiter: given.Delimiter = None,
    encoding: given.Encoding = None,
    header: given.Header = None,
    decimal: given.Decimal = None,
    missing: given.Missing = None,
    hidden: given.Hidden = None,
    activation: given.Activation = None,
    loss: given.Loss = None,
    initializer: given.Initializer = None,
    dropout: given.Dropout = None,
    layer_norm: given.LayerNorm = None,
    alpha: given.Alpha = None,
    l1: given.L1 = None,
    l2: given.L2 = None,
    optimizer: given.Optimizer = None,
    learning_rate: given.LearningRate = None,
    schedule: given.Schedule = None,
    momentum: given.Momentum = None,
    batch_size: given.BatchSize = None,
    epochs: given.Epochs = None,
    shuffle: given.Shuffle = None,
    early_stopping: given.EarlyStopping = None,
    patience: given.Patience = None,
    tolerance: given.Tolerance = None,
    scoring: given.Scoring = None,
    class_weight: given.ClassWeight = None,
    clip_norm: given.ClipNorm = None,
    seed: given.Seed = None,
    engine: given.Engine = None,
    output: given.ModelFile = None,
    run: given.RunFolder = None,
    overwrite: given.Overwrite = None,
    checkpoint_every: given.CheckpointEvery = None,
    stream: given.Streamed = None,
    buffer_rows: given.BufferRows = None,
    distributed: given.Distributed = None,
    blocks: given.Blocks = None,
    exact: given.Exact = None,
    plot: given.Plot = None,
    json: given.Json = None,
    quiet: given.Quiet = None,
) -> None:
    """Train a network on a table, and save it.

    A fifth of the rows is held out, and decides when training stops. Numbers are standardized,
    categories become one input each; what is learned of them is saved with the network. Ctrl-C
    saves a checkpoint, from which --resume continues.
    """
    options = without_defaults(context, options_of(context))
    if "data" not in options:
        raise typer.BadParameter("DATA is missing; add the table to train on, or --resume FOLDER")
    reject_unused_options(options, rule_of(options), TRAIN_UNUSED)
    if options.get("validation") and options["validation"] in ("0", "0.0"):
        reject_unused_options(options, "all rows", TRAIN_UNUSED)
    if options.get("stream") is False:
        reject_unused_options(options, "in memory", TRAIN_UNUSED)
    if not options.get("distributed"):
        reject_unused_options(options, "alone", TRAIN_UNUSED)
    if options.get("exact") is False:
        reject_unused_options(options, "any order", TRAIN_UNUSED)
    reject_schedule(options)
    require_files("chainrule train")
    from chainrule.cli import training

    raise typer.Exit(training.run(options))
