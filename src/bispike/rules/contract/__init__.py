"""The contract of learning rules, as checks that users can run on their own rules.

    from bispike.rules import check_rule
    check_rule(MyRule)          # raises AssertionError with the name of the first check that fails

The checks resemble the estimator checks of scikit-learn: on small networks a rule must learn a separable toy problem,
give the same result for the same seed, resume exactly from a saved state, report its step, and write only its own
gradients. The checks of one step are in `step` and `report`, those of a training in `training`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...arguments import checked
from ..rule import Rule, expect_complete
from . import report, step, training

Check = Callable[[type[Rule], dict[str, Any]], None]

CHECKS: dict[str, Check] = {
    check.__name__.replace("_", " "): check
    for check in (
        step.owns_its_parameters,
        step.leaves_inputs_unchanged,
        report.reports_what_it_did,
        report.draws_from_its_generator,
        step.reads_memory_maps,
        training.saves_its_state,
        step.refuses_wrong_input,
        training.replaces_gradients,
        step.announces_its_gradients,
        training.allows_updates_during_the_pass,
        step.takes_any_batch,
        step.accepts_shortcuts_or_refuses_them,
        training.repeats_itself,
        training.resumes_exactly,
        training.learns,
    )
}


@checked
def check_rule(rule: type[Rule], **options: Any) -> list[str]:
    """Run every check on a rule class.

    Args:
        rule: subclass of `Rule`.
        **options: options that the rule is created with.

    Returns:
        Names of the checks that passed (all of them).

    Raises:
        ConfigurationError: it is no complete rule: it has no name, or does not learn.
        AssertionError: the first check that fails, by name.
    """
    expect_complete(rule)
    for name, check in CHECKS.items():
        try:
            check(rule, options)
        except AssertionError as error:
            raise AssertionError(f"{rule.__name__}: {name}: {error}") from error
        except Exception as error:
            raise AssertionError(f"{rule.__name__}: {name}: raised {type(error).__name__}: {error}") from error
    return list(CHECKS)


__all__ = ["CHECKS", "check_rule"]
