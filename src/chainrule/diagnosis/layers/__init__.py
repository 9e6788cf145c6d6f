"""Check one function of a course: the backward pass of a layer, a loss, or an optimizer's update.

The forward function says what the layer computes; the right gradients are its derivatives.
"""

from chainrule.diagnosis.layers.asking import check_gradient_function, check_layer
from chainrule.diagnosis.layers.updates import check_update

__all__ = ["check_gradient_function", "check_layer", "check_update"]
