"""PyTorch's modules are read exactly, and their steps are worked out as PyTorch makes them."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule import (
    ACTIVATIONS,
    Activation,
    InputError,
    ReLU,
    TrainedNetwork,
    check,
    explain,
    export,
    from_torch,
    mlp,
)
from chainrule.exchange.torch_losses import LOSSES
from chainrule.exchange.torch_modules import ACTIVATIONS as MODULES
from chainrule.exchange.torch_optimizers import OPTIMIZERS

torch: Any = pytest.importorskip("torch", reason="pip install torch")
nn: Any = torch.nn

ROWS = np.random.default_rng(0).normal(size=(5, 3))
X = torch.tensor(ROWS)
CLASSES, PAIRS = torch.tensor([0, 1, 1, 0, 1]), torch.tensor([[0.1, 0.9]] * 2 + [[0.6, 0.4]] * 3)
PAIRS = PAIRS.double()


def module(*end: Any, seed: int = 0) -> Any:
    """Return a Sequential with three inputs and two outputs."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2), *end).double()


def output(made: Any) -> Any:
    """Return what a module computes, (n, outputs)."""
    with torch.no_grad():
        return made.eval()(X).numpy()


def their_step(made: Any, loss: Any, t: Any, optimizer: Any) -> tuple[Any, Any, float]:
    """Return the gradient of a module, its parameters after a step, and the loss."""
    optimizer.zero_grad()
    value = loss(made(X), t)
    value.backward()
    gradient = torch.cat([p.grad.ravel() for p in made.parameters()]).numpy()
    optimizer.step()
    after = torch.cat([p.detach().ravel() for p in made.parameters()]).numpy()
    return gradient, after, value.item()


def our_step(example: Any) -> tuple[Any, Any, float]:
    """Return the same numbers of a worked example."""
    values = {q.key: q.value for q in example.steps[0].quantities}
    blocks = example.setup.network.layout.blocks
    keys = [(b.name, index) for b in blocks for index in np.ndindex(b.shape)]
    listed = [(name, f"[{','.join(map(str, index))}]") for name, index in keys]
    gradient = np.array([values[f"d{name}{index}"] for name, index in listed])
    after = np.array([values[f"{name}_new{index}"] for name, index in listed])
    return gradient, after, values["loss"]


def compare(made: Any, loss: Any, t: Any, optimizer: Any) -> Any:
    """Compare the worked example of a step with the step itself; return the example."""
    example = explain(made, X, t, loss=loss, optimizer=optimizer)
    theirs, ours = their_step(made, loss, t, optimizer), our_step(example)
    for one, other in zip(theirs, ours, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14)
    return example


MADE = {
    "Sigmoid": [nn.Sigmoid()],
    "Tanh": [nn.Tanh()],
    "ReLU": [nn.ReLU()],
    "LeakyReLU": [nn.LeakyReLU(0.3)],
    "ELU": [nn.ELU(0.7)],
    "SELU": [nn.SELU()],
    "GELU": [nn.GELU(), nn.GELU(approximate="tanh")],
    "SiLU": [nn.SiLU()],
    "Softplus": [nn.Softplus()],
}
ALL = [one for several in MADE.values() for one in several]
LOSS = {
    "CrossEntropyLoss": (nn.CrossEntropyLoss, (), CLASSES),
    "NLLLoss": (nn.NLLLoss, (nn.LogSoftmax(dim=1),), CLASSES),
    "MSELoss": (nn.MSELoss, (), PAIRS),
    "L1Loss": (nn.L1Loss, (), PAIRS),
    "HuberLoss": (nn.HuberLoss, (), PAIRS),
    "SmoothL1Loss": (nn.SmoothL1Loss, (), PAIRS),
    "BCEWithLogitsLoss": (nn.BCEWithLogitsLoss, (), PAIRS),
    "BCELoss": (nn.BCELoss, (nn.Sigmoid(),), PAIRS),
    "PoissonNLLLoss": (nn.PoissonNLLLoss, (), PAIRS),
}
RULES: dict[str, list[dict[str, Any]]] = {
    "SGD": [{}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}],
    "Adam": [{}, {"betas": (0.8, 0.9), "eps": 1e-3}],
    "AdamW": [{}],
    "RMSprop": [{"alpha": 0.8}],
}
UPDATES = [(name, settings) for name, several in RULES.items() for settings in several]


def test_every_module_and_activation_is_tested():
    assert set(MADE) == set(MODULES)
    read: list[Activation] = [MODULES[type(one).__name__](one) for one in ALL]
    assert {one.name for one in read} == set(ACTIVATIONS) - {"identity"}
    assert set(LOSS) == set(LOSSES)
    assert set(RULES) == set(OPTIMIZERS)


@pytest.mark.parametrize("activation", ALL, ids=repr)
def test_every_activation_is_computed_as_in_pytorch(activation: Any):
    made = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), activation, nn.Linear(4, 2)).double()
    read = from_torch(made, loss="squared-error")
    np.testing.assert_allclose(read.predict(ROWS), output(made), rtol=1e-13, atol=1e-15)


def test_parameters_are_the_same_bits():
    made = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2, bias=False))
    theta = torch.cat([p.detach().ravel() for p in made.parameters()]).numpy()
    read = from_torch(made)
    assert read.theta.dtype == np.float32
    assert read.theta.tobytes() == theta.tobytes()


@pytest.mark.parametrize(
    ("end", "loss"),
    [
        ((), "squared-error"),
        ((nn.Softmax(dim=1),), "softmax-cross-entropy"),
        ((nn.Sigmoid(),), "logistic-cross-entropy"),
    ],
)
def test_the_last_module_decides_on_the_loss(end: tuple[Any, ...], loss: str):
    made = module(*end)
    read = from_torch(made)
    assert read.network.loss.name == loss
    np.testing.assert_allclose(read.predict(ROWS), output(made), rtol=1e-13)


def test_sequentials_inside_are_unfolded_and_dropout_rests():
    inner = nn.Sequential(nn.Linear(3, 4), nn.Identity(), nn.Tanh(), nn.Dropout(0.5))
    made = nn.Sequential(nn.Flatten(), inner, nn.Linear(4, 2)).double()
    np.testing.assert_allclose(from_torch(made).predict(ROWS), output(made), rtol=1e-13)


@pytest.mark.parametrize("ending", [".safetensors", ".pt"])
def test_a_state_dict_is_read_in_the_order_of_its_layers(ending: str, tmp_path: Path):
    from safetensors.torch import save_file

    layers = [part for _ in range(6) for part in (nn.Linear(3, 3), nn.Tanh())]  # 0 … 10
    made = nn.Sequential(*layers).double()
    path = tmp_path / f"state{ending}"
    (save_file if ending == ".safetensors" else torch.save)(made.state_dict(), path)
    network = mlp(3, *[3] * 6, activation="tanh", output="tanh", loss="squared-error")
    np.testing.assert_allclose(from_torch(path, network).predict(ROWS), output(made), rtol=1e-13)


def test_a_module_that_occurs_twice_is_read_twice():
    own, norm = nn.ReLU(), nn.Dropout(0.5)
    made = nn.Sequential(nn.Linear(3, 4), own, norm, nn.Linear(4, 4), own, norm, nn.Linear(4, 2))
    np.testing.assert_allclose(from_torch(made.double()).predict(ROWS), output(made), rtol=1e-13)


@pytest.mark.parametrize(
    "end", [(), (nn.Softmax(dim=1),), (nn.LogSoftmax(dim=1),), (nn.Sigmoid(),)]
)
def test_a_module_that_is_read_wrongly_is_refused(end: Any, monkeypatch: pytest.MonkeyPatch):
    made = module(*end).train()
    from_torch(made)
    from_torch(made.float())
    from_torch(copy.deepcopy(made).half())
    assert made.training
    monkeypatch.setitem(MODULES, "Tanh", lambda _: ReLU())
    with pytest.raises(InputError, match=r"outputs differ from the module's by .* please report"):
        from_torch(made)
    with pytest.raises(InputError, match=r"outputs differ from the module's by .* please report"):
        check(made, x=X.float(), t=PAIRS.float(), loss=nn.MSELoss())


def test_outputs_that_are_not_finite_are_not_compared():
    made = module(nn.LogSoftmax(dim=1))
    made[0].weight.data *= 1e4
    from_torch(made)  # logarithms of 0
    made[0].weight.data *= 1e308
    from_torch(made)


def test_weights_that_two_layers_share_are_refused():
    tied, other = nn.Linear(3, 3), nn.Linear(3, 3)
    with pytest.raises(InputError, match=r"^2\.weight is 0\.weight again"):
        from_torch(nn.Sequential(tied, nn.ReLU(), tied))
    other.weight = tied.weight
    with pytest.raises(InputError, match=r"^1\.weight is 0\.weight again"):
        from_torch(nn.Sequential(tied, other))


def test_the_tenth_layer_of_a_state_dict_follows_the_second(tmp_path: Path):
    made = mlp(3, *[3] * 11, 2, activation="tanh", loss="squared-error")
    theta = made.initialize(0)
    export(TrainedNetwork(made, theta), tmp_path / "net.pt.safetensors")
    again = from_torch(tmp_path / "net.pt.safetensors", made)
    assert again.theta.tobytes() == theta.tobytes()


def test_an_exported_state_dict_comes_back_bit_for_bit(tmp_path: Path):
    read = from_torch(module(nn.Softmax(dim=1)))
    export(read, tmp_path / "net.pt.safetensors")
    again = from_torch(tmp_path / "net.pt.safetensors", read.network)
    assert again.theta.tobytes() == read.theta.tobytes()


# ---- worked examples ----------------------------------------------------------------------------


@pytest.mark.every_value(name=LOSS, reduction=["mean", "sum"])
def test_the_loss_and_its_gradient_are_those_of_pytorch(name: str, reduction: str):
    kind, end, t = LOSS[name]
    made = module(*end)
    compare(made, kind(reduction=reduction), t, torch.optim.SGD(made.parameters(), lr=0.1))


@pytest.mark.every_value(row=range(len(UPDATES)), decay=[0.0, 0.1])
def test_the_update_is_that_of_pytorch(row: int, decay: float):
    name, settings = UPDATES[row]
    made = module()
    optimizer = getattr(torch.optim, name)(
        made.parameters(), lr=0.05, weight_decay=decay, **settings
    )
    first = compare(made, nn.MSELoss(), PAIRS, optimizer)
    compare(made, nn.MSELoss(), PAIRS, optimizer)  # with the averages of the first step
    assert ("weight_decay" in first.source) == bool(decay)


def test_class_weights_become_sample_weights():
    made = module()
    loss = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 3.0]).double())
    compare(made, loss, CLASSES, torch.optim.SGD(made.parameters(), lr=0.1))


def test_softmax_twice_is_worked_out_and_named():
    made = module(nn.Softmax(dim=1))
    optimizer = torch.optim.SGD(made.parameters(), lr=0.1)
    example = compare(made, nn.CrossEntropyLoss(), CLASSES, optimizer)
    assert "CrossEntropyLoss applies softmax to its input again" in example.source
    assert example["q[0,0]"].value != example["p[0,0]"].value


@pytest.mark.parametrize("form", ["to_html", "to_latex", "to_numpy", "to_pytorch", "to_dict"])
def test_every_format_can_write_it(form: str):
    made = module(nn.Softmax(dim=1))
    optimizer = torch.optim.SGD(made.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1)
    loss = nn.CrossEntropyLoss(reduction="sum")
    assert getattr(explain(made, X, CLASSES, loss=loss, optimizer=optimizer), form)()


def test_without_an_optimizer_the_example_ends_at_the_gradient():
    example = explain(module(), X, PAIRS, loss=nn.MSELoss())
    assert not [q.key for q in example.steps[0].quantities if "_new" in q.key]


# ---- check --------------------------------------------------------------------------------------


def test_check_compares_the_gradient_of_a_module():
    made, loss = module(), nn.CrossEntropyLoss()
    before = copy.deepcopy(made.state_dict())
    found = check(made, x=X, t=CLASSES, loss=loss)
    assert (found.verdict, found.source) == ("right", "Sequential")
    assert "loss.backward() on a copy" in found.remarks[1]
    assert all(p.grad is None for p in made.parameters())
    assert all(torch.equal(before[name], w) for name, w in made.state_dict().items())


def test_check_names_softmax_twice():
    made, loss = module(nn.Softmax(dim=1)), nn.CrossEntropyLoss()
    found = check(made, x=X, t=CLASSES, loss=loss)
    assert [finding.mistake.id for finding in found.mistakes] == ["softmax-twice"]


def test_check_names_gradients_that_were_added_up():
    made, loss = module(), nn.MSELoss()
    for _ in range(3):
        loss(made(X), PAIRS).backward()
    found = check(made, x=X, t=PAIRS, loss=loss)
    assert found.verdict == "unknown"
    assert "the sum of 3 backward passes. Call zero_grad() before each." in found.sentence


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_check_names_the_factor(reduction: str):
    found = check(module(), x=X, t=PAIRS, loss=nn.BCEWithLogitsLoss(reduction=reduction))
    factor = "0.5" if reduction == "mean" else "5"
    assert found.verdict == "right"
    assert any(f"is {factor} times the logistic-cross-entropy" in text for text in found.remarks)


def with_dropout() -> Any:
    """Return a Sequential with a dropout layer, whose mask in training has zeros."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.5), nn.ReLU(), nn.Linear(8, 2)).double()


def test_a_module_with_dropout_is_checked_without_masks():
    made, loss = with_dropout(), nn.MSELoss()
    assert check(made, x=X, t=PAIRS, loss=loss).verdict == "right"
    loss(made(X), PAIRS).backward()
    with pytest.raises(InputError, match=r"Dropout\(p=0\.5\).*Call module\.eval\(\)"):
        check(made, x=X, t=PAIRS, loss=loss)
    made.eval().zero_grad()
    loss(made(X), PAIRS).backward()
    assert check(made, x=X, t=PAIRS, loss=loss).verdict == "right"


def test_frozen_weights_are_not_compared():
    made, loss = module(), nn.MSELoss()
    made[0].weight.requires_grad_(requires_grad=False)
    assert check(made, x=X, t=PAIRS, loss=loss).verdict == "right"  # backward on a copy
    loss(made(X), PAIRS).backward()
    found = check(made, x=X, t=PAIRS, loss=loss)
    assert found.verdict == "right"
    assert "frozen, so without a gradient to compare: 0.weight" in found.remarks
    made.zero_grad()
    loss = nn.CrossEntropyLoss(weight=torch.tensor([0.2, 3.0]).double())
    loss(made(X), CLASSES).backward()
    assert check(made, x=X, t=CLASSES, loss=loss).verdict == "right"
    loss = nn.MSELoss()
    made[2].bias.grad = None
    with pytest.raises(InputError, match=r"2\.bias has no \.grad, but others have"):
        check(made, x=X, t=PAIRS, loss=loss)


def test_gradients_with_class_weights_are_compared():
    made, loss = module(), nn.CrossEntropyLoss(weight=torch.tensor([0.2, 3.0]).double())
    assert check(made, x=X, t=CLASSES, loss=loss).verdict == "right"
    for _ in range(2):
        loss(made(X), CLASSES).backward()
    assert "2 times the gradient" in check(made, x=X, t=CLASSES, loss=loss).sentence
    made.zero_grad()
    nn.CrossEntropyLoss()(made(X), CLASSES).backward()
    found = check(made, x=X, t=CLASSES, loss=loss)
    assert (found.verdict, "not those of the weighted loss" in found.sentence) == ("unknown", True)


@pytest.mark.parametrize("dtype", [torch.int32, torch.uint8])
def test_classes_may_be_of_any_whole_type(dtype: Any):
    assert check(module(), x=X, t=CLASSES.to(dtype), loss=nn.CrossEntropyLoss()).verdict == "right"


def test_check_says_where_weight_decay_goes():
    made = module()
    optimizer = torch.optim.AdamW(made.parameters(), weight_decay=0.1)
    found = check(made, x=X, t=PAIRS, loss=nn.MSELoss(), optimizer=optimizer)
    assert any(
        "of every parameter w" in text or "from every parameter w" in text for text in found.remarks
    )


def test_check_in_single_precision():
    made = module().float()
    found = check(made, x=X.float(), t=CLASSES, loss=nn.CrossEntropyLoss())
    assert found.verdict == "right"


# ---- errors -------------------------------------------------------------------------------------


class Own(nn.Module):
    """A module with a forward pass of its own."""


ERRORS = [
    (lambda: from_torch(nn.Sequential(nn.Conv1d(1, 1, 1))), "module 0 is Conv1d"),
    (lambda: from_torch(nn.Sequential(nn.Linear(1, 2), nn.Softmax(dim=0))), "give dim=1"),
    (lambda: from_torch(nn.Sequential(nn.Softmax(dim=1), nn.Linear(1, 2))), "must be the last"),
    (lambda: from_torch(Own()), "Own has a forward pass of its own"),
    (lambda: from_torch(nn.Sequential()), "has no parameters"),
    (lambda: from_torch(3), "int is not a PyTorch module"),
    (lambda: from_torch("net.safetensors"), "describe them with network="),
    (lambda: explain(module(), X, CLASSES), "loss=None: give the loss of PyTorch"),
    (lambda: explain(module(), X, loss=nn.MSELoss()), "t=None: a module needs"),
    (lambda: explain(module(), X, CLASSES, loss=nn.KLDivLoss()), "unknown loss of PyTorch"),
    (lambda: explain(module(), X, CLASSES, loss=nn.NLLLoss()), "does not end in LogSoftmax"),
    (lambda: explain(module(), X, PAIRS, loss=nn.BCELoss()), "does not end in Sigmoid"),
    (lambda: explain(module(), X, PAIRS, loss=nn.MSELoss(reduction="none")), "'mean' or 'sum'"),
    (
        lambda: explain(module(), X, CLASSES, loss=nn.CrossEntropyLoss(label_smoothing=0.1)),
        "label_smoothing=0.1",
    ),
    (lambda: check(module(), loss=nn.MSELoss()), "give x and t"),
    (lambda: check(lambda x: x, loss=nn.MSELoss()), "loss= is for modules of PyTorch"),
]


@pytest.mark.parametrize(("call", "words"), ERRORS, ids=[words for _, words in ERRORS])
def test_errors_name_what_cannot_be_read(call: Any, words: str):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the words are compared below)
        call()
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("Adagrad", {}, "unknown optimizer of PyTorch 'Adagrad'"),
        ("Adam", {"amsgrad": True}, "amsgrad"),
        ("RMSprop", {"momentum": 0.1}, "momentum=0"),
        ("SGD", {"momentum": 0.1, "dampening": 0.1}, "dampening"),
    ],
)
def test_optimizers_that_differ_are_refused(name: str, settings: dict[str, Any], words: str):
    made = module()
    optimizer = getattr(torch.optim, name)(made.parameters(), lr=0.1, **settings)
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the words are compared below)
        explain(made, X, PAIRS, loss=nn.MSELoss(), optimizer=optimizer)
    assert words in str(caught.value)
