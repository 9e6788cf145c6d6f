"""Whether the iterations of a program show enough to judge it by."""

from collections.abc import Sequence

import numpy as np

from chainrule.diagnosis.tracing.gradients import Slopes

FEW_OUTPUTS = 3  # numbers, which may fit by chance
ZERO = 1e-9  # below which a derivative shows nothing


def is_enough(truth: Sequence[Sequence[Slopes]], outputs: int) -> bool:
    """Return whether every group has numbers whose gradient is not zero, and enough of them.

    A group whose gradient is zero in two iterations, with a batch each, hardly has another one.

    Parameters
    ----------
    truth : sequence of sequence of Slopes
        By iteration and group.
    outputs : int
        How many output numbers the iterations have.
    """
    seen = np.array([[_count_nonzero(slopes) for slopes in groups] for groups in truth])
    if len(seen) < 2 or outputs <= FEW_OUTPUTS:
        return False
    new = (seen[-1] > 0) & (seen[:-1].sum(axis=0) == 0)
    is_settled = outputs > FEW_OUTPUTS * len(seen) and not np.any(new)
    has_all = bool(np.all(seen.any(axis=0)))
    return (is_settled or has_all) and int(seen.sum()) > 2 * seen.shape[1]


def _count_nonzero(slopes: Slopes) -> int:
    """Return of how many numbers the gradient is not zero."""
    with np.errstate(all="ignore"):
        found = np.abs(slopes.values["squared error"])
    return int(np.sum(np.nan_to_num(found) > ZERO))
