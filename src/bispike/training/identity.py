"""Whether two trainings are the same: their settings, network, rule and data."""

from __future__ import annotations

import json
from typing import Any

from ..config.train_config import TrainConfig, differences
from ..data import Dataset
from ..nn import Network
from ..rules import Rule


class Identity:
    """What a training must share with a checkpoint from which it resumes.

    Args:
        config: the settings.
        network, rule, dataset: what they describe.
    """

    def __init__(self, config: TrainConfig, network: Network, rule: Rule, dataset: Dataset) -> None:
        self.config, self.network, self.rule, self.dataset = config, network, rule, dataset

    def values(self) -> dict[str, Any]:
        """As plain values, for a checkpoint."""
        return {
            "settings": self.config.to_dict(),
            "network": self.network.spec,
            "rule": self.rule.options,
            "data": self.dataset.fingerprint,
        }

    def differences(self, saved: dict[str, Any]) -> list[str]:
        """What differs from the identity in a checkpoint, as "name: saved -> now"; settings that do not matter may."""
        now = json.loads(json.dumps(self.values()))
        found = differences(saved["settings"], self.config)
        if not found:  # the settings describe network and rule, so that their differences would say the same again
            found += [
                f"{part}: {saved[part].get(key)!r} -> {now[part].get(key)!r}"
                for part in ("network", "rule")
                for key in sorted(saved[part].keys() | now[part].keys())
                if saved[part].get(key) != now[part].get(key)
            ]
        if saved["data"] != now["data"]:
            found.append(f"content of the data set: {saved['data']} -> {now['data']}")
        return found
